package web

import (
	"io"
	"mime/multipart"
	"net/http"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/statement"
)

// text takes an agreement's document as a file: to propose it, to deposit it for signature, or, with an agreement, to lay it beside the text in hand. The node checks and
// compiles it first. It is said at once and kept in no draft: nobody is bound by a text before signing it.
func (f *face) text(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, agreement.MaxDocument+page.MaxForm)
	if err := r.ParseMultipartForm(agreement.MaxDocument + page.MaxForm); err != nil {
		return page.Unread(err)
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }() // all of it was in memory
	file, _, err := r.FormFile("document")
	if err != nil {
		return fault.Wrap(err, fault.Usage, "", "choose the file with the document")
	}
	defer file.Close()
	raw, err := document(file)
	if err != nil {
		return err
	}
	ctx, by := r.Context(), f.n.By("", "")
	var said exchange.Said
	switch r.FormValue("do") {
	case "propose":
		said, err = f.n.Propose(ctx, raw, nil, "", by)
	case "deposit":
		said, err = f.n.Deposit(ctx, raw, by)
	case "amend":
		id, e := statement.ParseID(r.FormValue("agreement"))
		if e != nil {
			return fault.Wrap(e, fault.NotFound, "", "there is no such agreement")
		}
		said, err = f.n.Amend(ctx, id, raw, r.FormValue("text"), by)
	default:
		return fault.New(fault.Usage, "", "say whether the text is proposed, deposited or laid beside another one")
	}
	if err != nil {
		return err
	}
	return see(w, r, agreementHref(said.Thread, "")+"?done=said")
}

// document reads a file of at most as many bytes as a document has.
func document(file multipart.File) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(file, agreement.MaxDocument+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "the document cannot be read")
	}
	if len(raw) > agreement.MaxDocument {
		return nil, fault.New(fault.TooLarge, "AGR-1", "a document has at most %d KiB", agreement.MaxDocument>>10)
	}
	return raw, nil
}
