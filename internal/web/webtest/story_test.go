package webtest_test

import (
	"testing"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/web/webtest"
)

// TestStory is the exchange as officers see it, on two nodes at once: they come in by passkey, one asks, the other is refused by an article, answers with a second officer's
// approval, recalls; and each sees what the other does arrive without loading a page again.
func TestStory(t *testing.T) {
	t.Parallel()
	f, agreed, xa, xb := desks(t)
	xa.officer("root", "Administrator of XA", auth.Administrator)
	xa.officer("duty", "Duty officer of XA", auth.DutyOfficer)
	xa.officer("release", "Releasing officer of XA", auth.ReleasingOfficer)
	xb.officer("root", "Administrator of XB", auth.Administrator)
	xb.officer("asker", "Duty officer of XB", auth.DutyOfficer)

	// XA's duty officer has a passkey from now on.
	duty := xa.comes("duty")
	webtest.Device(t, duty.tab)
	duty.to("/me")
	duty.fill("form.passkey input[name=name]", "blue key")
	duty.press("form.passkey button")
	duty.sees("blue key")
	duty.press("form[action='/sign-out'] button")
	duty.until("location.pathname === '/sign-in'")
	duty.press("form.passkey button")
	duty.until("location.pathname === '/'")
	duty.sees("We owe nobody an answer.")
	duty.mark()

	// XB's duty officer asks, by the form alone.
	asker := xb.comes("asker")
	asker.to("/new/assist.request")
	asker.press("input[name=to][value=XA]")
	asker.fill("select[name=agreement]", agreed.String())
	asker.fill("[name='fact.type']", "preservation")
	asker.fill("[name='fact.purpose']", "recovery")
	asker.fill("[name=title]", "Logs of the control centre")
	asker.fill("[name=text]", "Please keep the logs of 192.0.2.17.")
	asker.fill("select[name=precedence]", "flash")
	asker.sees("May pass")
	asker.press("form.saying button[value=send]")
	asker.until("location.pathname.startsWith('/threads/')")
	asker.sees("Logs of the control centre")
	asker.mark()

	// It is on the duty officer's desk, which nobody has touched.
	duty.sees("Logs of the control centre", "Acknowledgement to XB")
	duty.same()
	thread := asker.path()
	duty.to(thread)
	duty.sees("192.0.2.17")

	// An article refuses what is too confidential for it, before it is sent; and says which.
	duty.press("#say-assist\\.grant > summary")
	duty.fill("#say-assist\\.grant [name=text]", "They are kept for 90 days.")
	duty.fill("#say-assist\\.grant select[name=tlp]", "RED")
	duty.sees("May not pass")
	duty.fill("#say-assist\\.grant select[name=tlp]", "AMBER+STRICT")
	duty.sees("second officer")
	duty.press("#say-assist\\.grant button[value=send]")
	duty.until("location.pathname.startsWith('/drafts/')")
	draft := duty.path()
	duty.sees("waits for approval", "article 7")

	// The releasing officer approves exactly that, and it goes.
	release := xa.comes("release")
	release.to("/drafts")
	release.sees("Duty officer of XA")
	release.to(draft)
	release.sees("They are kept for 90 days.")
	release.press("form[action$='/approve'] button")
	release.press("form[action$='/release'] button")
	release.until("location.pathname === " + quote(thread))
	asker.sees("They are kept for 90 days.")
	asker.same()

	// It was too much after all.
	asker.to("/")
	asker.mark()
	release.press("form.recall button")
	release.sees("goes to everybody who got it")
	release.press("form[action$='/recall'] button.danger")
	release.sees("Who has confirmed", "no answer yet")
	release.mark()
	asker.sees("recall")
	asker.same()
	asker.to(release.path())
	asker.press("form[action$='/erase'] button")
	asker.sees("Erased here")
	release.sees("erased")
	release.same()
	asker.to(thread)
	asker.until("!document.querySelector('main').innerText.includes('They are kept for 90 days.')")
	f.Quiet()
}
