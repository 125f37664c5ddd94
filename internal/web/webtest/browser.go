package webtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take for all that one test has it do.
const patience = 3 * time.Minute

// Browser starts a browser with nothing in it, of 1280 by 900 points, and gives the context for chromedp. It ends with the test.
func Browser(t testing.TB) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium is on this machine: nothing of this test was run")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.WindowSize(1280, 900), chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("lang", "en"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience) // t.Context() ends before what is cleaned up
	allocated, release := chromedp.NewExecAllocator(ctx, options...)
	tab, closeTab := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		if err := chromedp.Cancel(tab); err != nil { // waits until the browser has gone
			t.Logf("the browser did not end well: %v", err)
		}
		closeTab()
		release()
		cancel()
	})
	Do(t, tab)
	return tab
}

// Do has the browser do something, and fails the test where it cannot. What the page shows then is in the failure.
func Do(t testing.TB, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		failed(t, ctx, err)
	}
}

// Get has the browser find something out.
func Get[T any](t testing.TB, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		failed(t, ctx, err)
	}
	return v
}

func failed(t testing.TB, ctx context.Context, err error) {
	t.Helper()
	look, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	where, _ := chromedp.Run(look, chromedp.Location()) // as well as it goes
	text, _ := chromedp.Run(look, chromedp.Evaluate[string](`document.body ? document.body.innerText.slice(0, 2000) : ""`))
	t.Fatalf("%v\nat %s:\n%s", err, where, text)
}

// Until waits until an expression holds on the page, whatever pages come between, for half a minute.
func Until(t testing.TB, ctx context.Context, expression string) {
	t.Helper()
	wait, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	var err error
	for holds := false; !holds; {
		holds, err = chromedp.Run(wait, chromedp.Evaluate[bool](expression)) // a page that goes away meanwhile is an error
		select {
		case <-wait.Done():
			t.Errorf("never: %s", expression)
			failed(t, ctx, errors.Join(wait.Err(), err))
		case <-again.C:
		}
	}
}

// Device gives the browser a device that keeps passkeys, and whose user is always there and known.
func Device(t testing.TB, ctx context.Context) webauthn.AuthenticatorID {
	t.Helper()
	return Get(t, ctx, func(ctx context.Context, tab *chromedp.Target) (id webauthn.AuthenticatorID, err error) {
		if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return id, err
		}
		r, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		return r.AuthenticatorID, err
	})
}

// Choose sets a cookie of a reader's choice, and loads the page again.
func Choose(t testing.TB, ctx context.Context, url, name, value string) {
	t.Helper()
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: url}); err != nil {
		failed(t, ctx, err)
	}
	Do(t, ctx, chromedp.Reload())
}

// Look says how a page is looked at.
type Look struct {
	Width, Height int64 // points; 0: 1280 by 900
	Dark          bool
}

// Shot writes a picture of the whole page to a file, for people to look at: only where COMITY_SHOTS names a folder.
func Shot(t testing.TB, ctx context.Context, name string, look Look) {
	t.Helper()
	dir := os.Getenv("COMITY_SHOTS")
	if dir == "" {
		return
	}
	if look.Width == 0 {
		look.Width, look.Height = 1280, 900
	}
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	Do(t, ctx, chromedp.EmulateViewport(look.Width, look.Height))
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		failed(t, ctx, err)
	}
	// The window is made as high as the page: what chromedp calls a full screenshot cuts off what is written from right to left.
	all := Get(t, ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	Do(t, ctx, chromedp.EmulateViewport(look.Width, max(look.Height, all)))
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	if err != nil {
		failed(t, ctx, err)
	}
	Do(t, ctx, chromedp.EmulateViewport(look.Width, look.Height))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), shot.Data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Paper shows the page as it is printed, or on the screen again; where COMITY_SHOTS names a folder and the page is shown as printed, it is printed into a file there.
func Paper(t testing.TB, ctx context.Context, name string, on bool) {
	t.Helper()
	media := ""
	if on {
		media = "print"
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media}); err != nil {
		failed(t, ctx, err)
	}
	dir := os.Getenv("COMITY_SHOTS")
	if dir == "" || !on {
		return
	}
	pdf, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{PrintBackground: new(true)})
	if err != nil {
		failed(t, ctx, err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".pdf"), pdf.Data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Zone puts the browser into a time zone.
func Zone(t testing.TB, ctx context.Context, name string) {
	t.Helper()
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: name}); err != nil {
		failed(t, ctx, err)
	}
}
