package casefile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// entrySchema names the format of a line of segments.jsonl.
const entrySchema = "segment/1"

// The bounds of segments.jsonl.
const (
	maxManifest  = 256 << 20 // bytes
	maxEntryLine = 4096
)

// entry is what the manifest says of a closed segment. A later line for the
// same segment takes the place of an earlier one; that tells of its table.
type entry struct {
	Schema  string `json:"schema"`
	Segment string `json:"segment"` // 000001
	Pass    int    `json:"pass"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`                 // of the file
	Table   string `json:"table_sha256,omitempty"` // of the fingerprint table, once there is one
	present bool
}

// manifest reads segments.jsonl; of a segment the last line counts. Lines that
// cannot be read are told to fault. end is where the last whole line ends.
func (c *Case) manifest(fault func(Fault)) (entries map[segmentName]entry, end int64, err error) {
	path := c.path(manifestName)
	entries = map[segmentName]entry{}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return entries, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(io.LimitReader(f, maxManifest), maxEntryLine)
	for {
		line, err := r.ReadSlice('\n')
		if err == io.EOF {
			if len(line) > 0 {
				fault(Fault{File: path, Offset: end, Length: int64(len(line)), Torn: true, Err: errors.New("the last line is torn")})
			}
			return entries, end, nil
		}
		at := end
		end += int64(len(line))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			fault(Fault{File: path, Offset: at, Err: fmt.Errorf("a line is longer than %d bytes; what follows is not read", maxEntryLine)})
			return entries, at, nil
		case err != nil:
			return nil, 0, fmt.Errorf("read %s: %w", path, err)
		}
		e, n, err := parseEntry(line)
		if err != nil {
			fault(Fault{File: path, Offset: at, Length: int64(len(line)), Err: err})
			continue
		}
		if before := entries[n]; before.present && (before.Bytes != e.Bytes || before.SHA256 != e.SHA256 || before.Pass != e.Pass) {
			fault(Fault{File: path, Offset: at, Length: int64(len(line)), Err: fmt.Errorf("segment %s stands here otherwise than before; closed segments never change", n)})
		}
		entries[n] = e
	}
}

func parseEntry(line []byte) (e entry, n segmentName, err error) {
	if err := json.Unmarshal(bytes.TrimSpace(line), &e); err != nil {
		return e, n, fmt.Errorf("not an entry: %w", err)
	}
	n, ok := parseSegmentName(e.Segment)
	if e.Schema != entrySchema || !ok || e.Bytes < 0 || !isDigest(e.SHA256) || e.Table != "" && !isDigest(e.Table) {
		return e, n, fmt.Errorf("not an entry of schema %s", entrySchema)
	}
	e.present = true
	return e, n, nil
}

// mendManifest reads the manifest and cuts a torn last line.
func (c *Case) mendManifest() (map[segmentName]entry, error) {
	torn := false
	entries, end, err := c.manifest(func(f Fault) { torn = torn || f.Torn })
	if err == nil && torn {
		err = os.Truncate(c.path(manifestName), end)
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	return entries, nil
}

// enter writes a closed segment into the manifest.
func (c *Case) enter(n segmentName) error {
	e, err := c.describe(n)
	if err != nil {
		return err
	}
	return c.appendEntry(e)
}

func (c *Case) appendEntry(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	path := c.path(manifestName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return fmt.Errorf("enter a segment: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close(), syncFolder(c.dir)); err != nil {
		return fmt.Errorf("enter a segment into %s: %w", path, err)
	}
	return nil
}

// describe hashes a segment.
func (c *Case) describe(n segmentName) (entry, error) {
	e := entry{Schema: entrySchema, Segment: n.String(), present: true}
	s, err := c.openSegment(n)
	if err != nil {
		return e, err
	}
	defer s.file.Close()
	if e.Bytes, e.SHA256, err = digest(s.file); err != nil {
		return e, err
	}
	err = walk(s.file.Name(), s.file, s.size, true, func(Fault) {}, func(b batch) bool {
		e.Pass = b.progress.Pass
		return false
	})
	return e, err
}

// digest reads a file and returns its length and its SHA-256 in hex.
func digest(f *os.File) (n int64, sum string, err error) {
	h := sha256.New()
	if n, err = io.Copy(h, f); err != nil {
		return n, "", fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return n, hex.EncodeToString(h.Sum(nil)), nil
}

func isDigest(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == 2*sha256.Size
}
