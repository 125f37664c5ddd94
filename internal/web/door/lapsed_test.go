package door

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

// TestLapsed: what was written goes with the page that says that nobody is signed in, to be sent again; files do not, and nothing is said without them.
func TestLapsed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	a := b.post("/threads/x/say?y=1", "title", `Half a "title"`, "text", "A first line\r\nand <b>a second</b>", "do", "send")
	if a.StatusCode != http.StatusUnauthorized {
		t.Fatalf("%d", a.StatusCode)
	}
	for _, want := range []string{`action="/threads/x/say?y=1"`, `name="title" value="Half a &#34;title&#34;"`, "A first line\r\nand &lt;b&gt;a second&lt;/b&gt;", `name="do" value="send"`, "Send it again"} {
		if !strings.Contains(a.text, want) {
			t.Errorf("nothing says %s in\n%s", want, a.text)
		}
	}
	b.enter("desk") // in another tab
	if again := b.post("/threads/x/say?y=1", "do", "send"); again.StatusCode != http.StatusOK {
		t.Errorf("sent again: %d", again.StatusCode)
	}
	if logged := h.diary.String(); strings.Contains(logged, "Half a") || strings.Contains(logged, "first line") {
		t.Error("what was written stands in the diary")
	}

	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	h.must(0, w.WriteField("title", "With a file"))
	part, err := w.CreateFormFile("files", "list.txt")
	h.must(part.Write([]byte("the secret of the file")))
	h.must(0, err)
	h.must(0, w.WriteField("do", "send"))
	h.must(0, w.Close())
	nobody := h.browser()
	a = nobody.send(nobody.request("POST", "/new/assist.request", w.FormDataContentType(), form.String()))
	for _, want := range []string{`enctype="multipart/form-data"`, `value="With a file"`, `name="do" value="check"`, "Choose the files again: list.txt"} {
		if !strings.Contains(a.text, want) {
			t.Errorf("nothing says %s in\n%s", want, a.text)
		}
	}
	if strings.Contains(a.text, "the secret of the file") {
		t.Error("the file stands in the page")
	}
	if a := nobody.post("/threads/x/say", "text", strings.Repeat("x", maxUnsent+1)); a.StatusCode != http.StatusUnauthorized || strings.Contains(a.text, "Send it again") || len(a.text) > 100_000 {
		t.Errorf("too much: %d, %d bytes", a.StatusCode, len(a.text))
	}
	if a := nobody.post("/me/passkey/drop", "name", "x"); !strings.Contains(a.text, `action="/me/passkey/drop"`) {
		t.Errorf("an own page: %s", a.text)
	}
}
