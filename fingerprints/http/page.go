package http

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/bits"
	nethttp "net/http"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// maxDecoded bounds an unpacked body, in bytes.
const maxDecoded = 256 << 10

// decoded is the body without a gzip coding that was not asked for, and
// whether it is complete. Of a broken or huge one it is what can be had.
func decoded(p *record.Page, fields []field) (body []byte, complete bool) {
	complete = p.Status == record.OK && !p.Truncated
	coding := strings.ToLower(strings.Join(values(fields, "Content-Encoding"), ","))
	if coding != "gzip" && coding != "x-gzip" {
		return p.Body, complete
	}
	z, err := gzip.NewReader(bytes.NewReader(p.Body))
	if err != nil {
		return nil, false
	}
	body, err = io.ReadAll(io.LimitReader(z, maxDecoded))
	return body, complete && err == nil && len(body) < maxDecoded
}

// title is the text of the first <title> that is closed, or "".
func title(body []byte) string {
	z := html.NewTokenizer(bytes.NewReader(body))
	for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
		if name, _ := z.TagName(); kind != html.StartTagToken || string(name) != "title" {
			continue
		}
		text := ""
		if kind = z.Next(); kind == html.TextToken { // all of it: <title> holds no markup
			text = string(z.Text())
			kind = z.Next()
		}
		if kind != html.EndTagToken {
			return ""
		}
		return strings.Join(strings.Fields(text), " ")
	}
	return ""
}

// favicon adds both hashes of an answer that is an icon.
func favicon(p *record.Page, out *value.List) {
	if !whole(p) || p.Code != nethttp.StatusOK {
		return
	}
	fields := parseHead(p.Head)
	body, complete := decoded(p, fields)
	if !complete || len(body) == 0 || !isIcon(body, strings.Join(values(fields, "Content-Type"), ",")) {
		return
	}
	out.Add(FaviconMMH3, strconv.Itoa(int(mmh3(lined(body)))))
	out.Add(FaviconSHA256, value.SHA256(body))
}

// isIcon tells an icon from the page that many servers send for every path.
// Text may be an icon too (SVG), if the server calls it an image.
func isIcon(body []byte, contentType string) bool {
	sniffed := nethttp.DetectContentType(body)
	if strings.HasPrefix(sniffed, "text/html") {
		return false
	}
	isText := strings.HasPrefix(sniffed, "text/plain") || strings.HasPrefix(sniffed, "text/xml")
	return !isText || strings.HasPrefix(strings.ToLower(contentType), "image/") || bytes.Contains(body[:min(len(body), 1<<10)], []byte("<svg"))
}

// lined is base64 with a line end after every 76 characters and after the
// last, as Python's base64.encodebytes makes it.
func lined(b []byte) []byte {
	const chunk = 57 // bytes in a line
	out := make([]byte, 0, base64.StdEncoding.EncodedLen(len(b))+len(b)/chunk+1)
	for len(b) > 0 {
		n := min(chunk, len(b))
		out = append(base64.StdEncoding.AppendEncode(out, b[:n]), '\n')
		b = b[n:]
	}
	return out
}

// mmh3 is MurmurHash3_x86_32 with seed 0 (Austin Appleby, public domain),
// signed as the Python module of that name gives it.
func mmh3(b []byte) int32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	var h uint32
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*c1, 15) * c2 }
	length := uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h^mix(binary.LittleEndian.Uint32(b)), 13)*5 + 0xe6546b64
	}
	var tail uint32
	for i, c := range b {
		tail |= uint32(c) << (8 * i)
	}
	if len(b) > 0 {
		h ^= mix(tail)
	}
	h ^= length
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return int32(h ^ h>>16)
}
