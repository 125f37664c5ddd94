package upload

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/comity-exchange/comity/fault"
)

// Limits bound what lies in a folder, in bytes as they lie there. A file counts for MinCharge at least, so that many small ones are bounded too.
type Limits struct {
	Owner int64 // of one owner's files together
	Total int64 // of all
}

// MinCharge is what the smallest file counts for.
const MinCharge = 64 << 10

// Usual are the limits of a node: four full forms of one officer, and eight officers who go that far at once.
func Usual() Limits { return Limits{Owner: 1 << 30, Total: 8 << 30} }

// Kept is a file that is in the folder. Key alone opens it, and nobody else has it.
type Kept struct {
	Name string
	Key  string
	Size int64 // of what was uploaded
}

// Folder is where uploads lie. It is safe for concurrent use.
type Folder struct {
	dir string
	now func() time.Time
	Limits

	mu     sync.Mutex
	lying  map[string]int64 // what files count for, by name, as of the last look; guarded by mu
	flying map[string]bool  // names in lying that this process is writing; guarded by mu
}

// New uses a folder, which is made with the first file. Its files' ages are told by now.
func New(dir string, now func() time.Time, l Limits) *Folder {
	return &Folder{dir: dir, now: now, Limits: l, lying: map[string]int64{}, flying: map[string]bool{}}
}

// named is how a file here is called: its owner, hashed; when it began to arrive, in milliseconds; chance.
var named = regexp.MustCompile(`^([0-9a-f]{32})-([0-9]{1,15})-[A-Z2-7]{26}$`)

func hashed(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return hex.EncodeToString(sum[:16])
}

// Keep seals what r gives under a new key while it arrives: no more of it is in memory than a chunk. Errors: fault.TooLarge over most bytes; fault.Quota where owner
// or all together have too much here; fault.Usage where r fails; fault.Unavailable where the disk does. Then nothing of it is left.
func (f *Folder) Keep(owner string, r io.Reader, most int64) (k Kept, err error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return Kept{}, fault.Wrap(err, fault.Internal, "", "no key can be made")
	}
	k = Kept{Name: fmt.Sprintf("%s-%d-%s", hashed(owner), f.now().UnixMilli(), rand.Text()), Key: id.String()}
	if err := f.begin(k.Name); err != nil {
		return Kept{}, err
	}
	file, err := f.create(k.Name)
	if err != nil {
		f.end(k.Name)
		return Kept{}, err
	}
	defer func() {
		f.end(k.Name)
		if err != nil {
			f.Drop(k.Name) // what is half written is of no use; the first error counts
			k = Kept{}
		}
	}()
	if k.Size, err = seal(&charged{file, f, k.Name, 0}, id.Recipient(), io.LimitReader(r, most+1)); err == nil && k.Size > most {
		err = fault.New(fault.TooLarge, "", "attachments may have %d MiB together here: use the command line for more", most>>20)
	}
	if e := errors.Join(f.settle(file, err == nil), file.Close()); err == nil && e != nil {
		err = unkept(e)
	}
	return k, err
}

func unkept(err error) error {
	return fault.Wrap(err, fault.Unavailable, "", "the attachment cannot be kept: look at the node's folder")
}

func (f *Folder) create(name string) (*os.File, error) {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, unkept(err)
	}
	file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, unkept(err)
	}
	return file, nil
}

// settle puts a whole file where it survives a power cut, as the draft that will name it does.
func (f *Folder) settle(file *os.File, whole bool) error {
	if !whole {
		return nil
	}
	if err := file.Sync(); err != nil {
		return err
	}
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// seal writes all of r to w, sealed.
func seal(w io.Writer, to age.Recipient, r io.Reader) (int64, error) {
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return 0, orUnkept(err)
	}
	source := &told{r: r}
	n, err := io.Copy(sealed, source)
	if source.err != nil {
		return n, fault.Wrap(source.err, fault.Usage, "", "the attachment did not arrive whole: send it again")
	}
	if err == nil {
		err = sealed.Close()
	}
	return n, orUnkept(err)
}

// orUnkept leaves a fault as it is, such as that of a bound.
func orUnkept(err error) error {
	if f := (*fault.Error)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	return unkept(err)
}

// told notes what its reader fails with, so that the sender's faults are not taken for the disk's.
type told struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (t *told) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}

// charged counts what is written for its owner, and ends where there is no more room.
type charged struct {
	w    io.Writer
	f    *Folder
	name string
	size int64
}

// Write implements io.Writer.
func (c *charged) Write(b []byte) (int, error) {
	c.size += int64(len(b))
	if err := c.f.charge(c.name, c.size); err != nil {
		return 0, err
	}
	return c.w.Write(b)
}

// begin looks at what lies here and makes room for one more file.
func (f *Folder) begin(name string) error {
	all, err := f.list()
	if err != nil {
		return err
	}
	f.mu.Lock()
	for known := range f.lying {
		if !f.flying[known] {
			delete(f.lying, known)
		}
	}
	for _, e := range all {
		if !f.flying[e.name] {
			f.lying[e.name] = max(e.size, MinCharge)
		}
	}
	f.flying[name] = true
	f.mu.Unlock()
	if err := f.charge(name, 0); err != nil {
		f.end(name)
		return err
	}
	return nil
}

func (f *Folder) end(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.flying, name)
}

// charge notes how large a file has become. Error: fault.Quota.
func (f *Folder) charge(name string, size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lying[name] = max(size, MinCharge)
	var mine, total int64
	for other, n := range f.lying {
		if total += n; strings.HasPrefix(other, name[:32]) {
			mine += n
		}
	}
	switch {
	case mine > f.Owner:
		return fault.New(fault.Quota, "", "the attachments of your drafts have %d MiB together, and no more is kept: say or drop some of the drafts, or use the command line", f.Owner>>20)
	case total > f.Total:
		return fault.New(fault.Quota, "", "the attachments of all drafts have %d MiB together, and no more is kept: some are to be said or dropped first", f.Total>>20)
	}
	return nil
}

// Open gives what was uploaded as name. Errors: fault.NotFound; fault.NotAuthentic where the key is another's or the file was changed, which may also come out only
// while it is read.
func (f *Folder) Open(name, key string) (io.ReadSeekCloser, error) {
	gone := func(err error) error {
		return fault.Wrap(err, fault.NotFound, "", "an attachment that was uploaded is not here any more: upload it again")
	}
	if !named.MatchString(name) {
		return nil, gone(nil)
	}
	file, err := os.Open(filepath.Join(f.dir, name))
	if err != nil {
		return nil, gone(err)
	}
	fail := func(err error) (io.ReadSeekCloser, error) {
		return nil, errors.Join(fault.Wrap(err, fault.NotAuthentic, "", "an attachment that was uploaded does not open: its file was changed; upload it again"), file.Close())
	}
	info, err := file.Stat()
	if err != nil {
		return fail(err)
	}
	id, err := age.ParseHybridIdentity(key)
	if err != nil {
		return fail(err)
	}
	plain, size, err := age.DecryptReaderAt(file, info.Size(), id)
	if err != nil {
		return fail(err)
	}
	return &opened{io.NewSectionReader(plain, 0, size), file}, nil
}

// opened is a file that is being read.
type opened struct {
	*io.SectionReader
	io.Closer
}

// Drop removes a file, if it is here. What fails, Sweep does later.
func (f *Folder) Drop(name string) {
	if !named.MatchString(name) {
		return
	}
	_ = os.Remove(filepath.Join(f.dir, name)) // see above
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.lying, name)
}

// Sweep removes files that are not used and began to arrive longer ago than older: an upload that was broken off, a node that was killed between two steps. used is
// asked once the files are listed, so that one that a draft takes meanwhile stays.
func (f *Folder) Sweep(older time.Duration, used func() (map[string]bool, error)) (removed int, err error) {
	all, err := f.list()
	if err != nil || len(all) == 0 {
		return 0, err
	}
	keep, err := used()
	if err != nil {
		return 0, err
	}
	for _, e := range all {
		if keep[e.name] || f.now().Sub(e.at) < older {
			continue
		}
		if err := os.RemoveAll(filepath.Join(f.dir, e.name)); err != nil {
			return removed, fault.Wrap(err, fault.Unavailable, "", "an attachment that nobody needs cannot be removed")
		}
		removed++
	}
	return removed, nil
}

// lies is a file of the folder.
type lies struct {
	name string
	size int64
	at   time.Time // when it began to arrive
}

// list lists what is in the folder. What is not of this package's making has the time that its file has.
func (f *Folder) list() (out []lies, err error) {
	all, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the folder of attachments cannot be read")
	}
	for _, d := range all {
		info, err := d.Info()
		if err != nil {
			continue // gone meanwhile
		}
		e := lies{d.Name(), info.Size(), info.ModTime()}
		if m := named.FindStringSubmatch(e.name); m != nil {
			if ms, err := strconv.ParseInt(m[2], 10, 64); err == nil {
				e.at = time.UnixMilli(ms)
			}
		}
		out = append(out, e)
	}
	return out, nil
}
