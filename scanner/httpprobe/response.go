package httpprobe

import (
	"bytes"
	"strings"

	"github.com/hostkin/hostkin/scanner/record"
)

const (
	maxHead    = 32 << 10 // bytes of a status line and its fields
	maxBody    = 64 << 10 // bytes of a body, de-chunked
	maxInterim = 3        // 1xx responses before the answer
	maxBlank   = 8        // CR and LF before a status line
	maxRaw     = 512      // bytes kept of what is not HTTP
)

// framing is how the end of a body is found (RFC 9112 section 6.3).
type framing uint8

const (
	inHead framing = iota
	byLength
	byChunks
	byClose
)

// response reads one response to a GET. It takes bytes as they come, cut
// anywhere, and keeps no more than its caps.
type response struct {
	head, body []byte
	code       int
	reusable   bool          // the connection may carry another request
	truncated  bool          // body is cut at maxBody
	junk       bool          // not HTTP: head collects the first bytes
	bodiless   bool          // the answer to HEAD (RFC 9110 section 9.3.2)
	drain      bool          // read on to the end behind maxBody, to find the next response
	status     record.Status // "" while reading

	framing framing
	left    int64 // bytes of body to come, byLength
	chunks  chunked
	interim int
	blank   int
}

// feed reads b and returns what lies after the end of the response.
func (r *response) feed(b []byte) (rest []byte) {
	for len(b) > 0 && r.status == "" {
		switch r.framing {
		case inHead:
			b = r.feedHead(b)
		case byLength:
			n := min(int64(len(b)), r.left)
			r.left -= n
			r.keep(b[:n])
			b = b[n:]
			r.endOfLength()
		case byChunks:
			var data []byte
			var err error
			data, b, err = r.chunks.cut(b)
			r.keep(data)
			switch {
			case r.status != "":
			case err != nil:
				r.fail(record.Malformed)
			case r.chunks.done():
				r.status = record.OK
			}
		case byClose:
			r.keep(b)
			b = nil
		}
	}
	return b
}

// end tells that no more bytes will come, and why.
func (r *response) end(why record.Status) {
	switch {
	case r.status != "":
	case r.junk:
		r.status = record.Malformed
	case why == record.Closed && r.framing == byClose:
		r.status = record.OK
	default:
		r.truncated = why == record.Truncated && r.framing != inHead
		r.fail(why)
	}
}

func (r *response) fail(s record.Status) { r.status, r.reusable = s, false }

// begun tells whether any byte of the response came.
func (r *response) begun() bool { return len(r.head) > 0 || r.interim > 0 || r.blank > 0 }

// keep adds to the body; its cap ends the response, unless it is drained.
func (r *response) keep(b []byte) {
	if room := maxBody - len(r.body); len(b) > room {
		r.body, r.truncated = append(r.body, b[:room]...), true
		if !r.drain {
			r.status, r.reusable = record.OK, false
		}
		return
	}
	r.body = append(r.body, b...)
}

func (r *response) endOfLength() {
	if r.left == 0 && r.status == "" {
		r.status = record.OK
	}
}

// feedHead reads up to the empty line and then learns the framing.
func (r *response) feedHead(b []byte) (rest []byte) {
	for len(r.head) == 0 && len(b) > 0 && (b[0] == '\r' || b[0] == '\n') && r.blank < maxBlank {
		r.blank++
		b = b[1:]
	}
	if r.junk {
		return r.collect(b)
	}
	from := max(0, len(r.head)-2)
	room := min(len(b), maxHead-len(r.head))
	r.head = append(r.head, b[:room]...)
	if n := min(len(r.head), len("HTTP/")); string(r.head[:n]) != "HTTP/"[:n] {
		r.junk = true
		return r.collect(b[room:])
	}
	end := endOfHead(r.head, from)
	if end < 0 {
		if len(r.head) == maxHead {
			r.fail(record.Truncated)
		}
		return b[room:]
	}
	rest = b[room-(len(r.head)-end):]
	var ok bool
	if r.code, ok = statusCode(r.head); !ok {
		r.junk = true
		return r.collect(b[room:])
	}
	r.head = r.head[:end:end]
	r.begin()
	return rest
}

// collect gathers the first bytes of what is not HTTP.
func (r *response) collect(b []byte) []byte {
	r.head = append(r.head, b[:min(len(b), max(0, maxRaw-len(r.head)))]...)
	if len(r.head) >= maxRaw {
		r.head = r.head[:maxRaw]
		r.fail(record.Malformed)
	}
	return nil
}

// endOfHead finds the end of the empty line, looking from an offset on, or -1.
// A line may end in LF alone (RFC 9112 section 2.2).
func endOfHead(head []byte, from int) int {
	for i := from; ; {
		n := bytes.IndexByte(head[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n + 1
		switch tail := head[i:]; {
		case bytes.HasPrefix(tail, []byte("\n")):
			return i + 1
		case bytes.HasPrefix(tail, []byte("\r\n")):
			return i + 2
		}
	}
}

// statusCode reads "HTTP/1.1 200 OK" leniently: any version, any reason.
func statusCode(head []byte) (int, bool) {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	version, rest, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte(" "))
	rest = bytes.TrimLeft(rest, " ")
	if !ok || len(version) < len("HTTP/1") || !isDigit(version[5]) || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return 0, false
	}
	code := 0
	for _, c := range rest[:3] {
		if !isDigit(c) {
			return 0, false
		}
		code = code*10 + int(c-'0')
	}
	return code, code >= 100
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// fields are the values of all fields of a name, in order, unfolded.
func fields(head []byte, name string) []string {
	var values []string
	open := false // the last line was a field of that name
	_, head, _ = bytes.Cut(head, []byte("\n"))
	for line := range bytes.Lines(head) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		switch key, value, ok := bytes.Cut(line, []byte(":")); {
		case len(line) == 0:
		case line[0] == ' ' || line[0] == '\t': // obs-fold, RFC 9112 section 5.2
			if open {
				values[len(values)-1] += " " + string(bytes.TrimSpace(line))
			}
		default:
			if open = ok && bytes.EqualFold(bytes.TrimSpace(key), []byte(name)); open {
				values = append(values, string(bytes.TrimSpace(value)))
			}
		}
	}
	return values
}

// tokens are the members of a comma-separated field, in lower case.
func tokens(values []string) []string {
	var out []string
	for t := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if t = strings.ToLower(strings.Trim(t, " \t")); t != "" {
			out = append(out, t)
		}
	}
	return out
}
