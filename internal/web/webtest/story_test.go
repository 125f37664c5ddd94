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
	xa.officer("root", "Root of XA", auth.Administrator)
	xa.officer("ada", "Ada Example", auth.DutyOfficer)
	xa.officer("boris", "Boris Sample", auth.ReleasingOfficer)
	xb.officer("root", "Root of XB", auth.Administrator)
	xb.officer("chika", "Chika Fiction", auth.DutyOfficer)

	// Ada has a passkey from now on.
	ada := xa.comes("ada")
	webtest.Device(t, ada.tab)
	ada.to("/me")
	ada.fill("form.passkey input[name=name]", "blue key")
	ada.press("form.passkey button")
	ada.sees("blue key")
	ada.press("form[action='/sign-out'] button")
	ada.until("location.pathname === '/sign-in'")
	ada.press("form.passkey button")
	ada.until("location.pathname === '/'")
	ada.sees("We owe nobody an answer.")
	ada.mark()

	// Chika asks, by the form alone.
	chika := xb.comes("chika")
	chika.to("/new/assist.request")
	chika.press("input[name=to][value=XA]")
	chika.fill("select[name=agreement]", agreed.String())
	chika.fill("[name='fact.type']", "preservation")
	chika.fill("[name='fact.purpose']", "recovery")
	chika.fill("[name=title]", "Logs of the control centre")
	chika.fill("[name=text]", "Please keep the logs of 192.0.2.17.")
	chika.fill("select[name=precedence]", "flash")
	chika.sees("May pass")
	chika.press("form.saying button[value=send]")
	chika.until("location.pathname.startsWith('/threads/')")
	chika.sees("Logs of the control centre")
	chika.mark()

	// It is on Ada's desk, which nobody has touched.
	ada.sees("Logs of the control centre", "Acknowledgement to XB")
	ada.same()
	thread := chika.path()
	ada.to(thread)
	ada.sees("192.0.2.17")

	// An article refuses what is too confidential for it, before it is sent; and says which.
	ada.press("#say-assist\\.grant > summary")
	ada.fill("#say-assist\\.grant [name=text]", "They are kept for 90 days.")
	ada.fill("#say-assist\\.grant select[name=tlp]", "RED")
	ada.sees("May not pass")
	ada.fill("#say-assist\\.grant select[name=tlp]", "AMBER+STRICT")
	ada.sees("second officer")
	ada.press("#say-assist\\.grant button[value=send]")
	ada.until("location.pathname.startsWith('/drafts/')")
	draft := ada.path()
	ada.sees("waits for approval", "article 7")

	// Boris approves exactly that, and it goes.
	boris := xa.comes("boris")
	boris.to("/drafts")
	boris.sees("Ada Example")
	boris.to(draft)
	boris.sees("They are kept for 90 days.")
	boris.press("form[action$='/approve'] button")
	boris.press("form[action$='/release'] button")
	boris.until("location.pathname === " + quote(thread))
	chika.sees("They are kept for 90 days.")
	chika.same()

	// It was too much after all.
	chika.to("/")
	chika.mark()
	boris.press("form.recall button")
	boris.sees("goes to everybody who got it")
	boris.press("form[action$='/recall'] button.danger")
	boris.sees("Who has confirmed", "no answer yet")
	boris.mark()
	chika.sees("recall")
	chika.same()
	chika.to(boris.path())
	chika.press("form[action$='/erase'] button")
	chika.sees("Erased here")
	boris.sees("erased")
	boris.same()
	chika.to(thread)
	chika.until("!document.querySelector('main').innerText.includes('They are kept for 90 days.')")
	f.Quiet()
}
