// Package upload keeps the attachments of drafts that came through a face, until they are said or dropped: files in one folder, each sealed as it arrives.
//
// Each has a key of its own, which Keep gives out and which is in no file here: it lives with the draft, in the store, sealed as the draft is. So no byte of what was
// uploaded is ever on the disk in the clear, and when the draft's row is destroyed, what lies here is noise, also where its bytes outlive their file. The format is
// age's (hybrid recipient, chunked and authenticated): a file that was changed, cut short or exchanged for another does not open.
//
// It knows no draft and no officer: owner is a word whose files are bounded together, used tells Sweep which files are somebody's. Files are named by owner (hashed),
// time of arrival and chance, never by what a request calls them. Several processes may use one folder; bounds then hold for each upload from what it finds when it
// begins. Start with Folder.Keep.
package upload
