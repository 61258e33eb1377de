package httpprobe

import "bytes"

// oddConnections is how many connections may be made for odd questions alone.
// Most servers close after an odd request; what then has no connection left is
// not asked. The first odd one travels on the connection of the pages before it.
const oddConnections = 2

// odd names the request of an odd question as record.Odd does, or is "".
func (q question) odd() string {
	switch q {
	case method:
		return "method"
	case version:
		return "version"
	case lineEnd:
		return "lf"
	case coding:
		return "coding"
	}
	return ""
}

// oddly is an ordinary request for / with one thing in it that servers take
// differently. It has no body and announces none: whatever stands between reads
// the same request as the server.
func oddly(q question, request []byte) []byte {
	replace := func(old, new string, n int) []byte {
		return bytes.Replace(request, []byte(old), []byte(new), n)
	}
	switch q {
	case method: // RFC 9110 section 9.1: method names are case-sensitive
		return replace("GET", "get", 1)
	case version: // RFC 9112 section 2.3 has no such version
		return replace("HTTP/1.1", "HTTP/9.8", 1)
	case lineEnd: // RFC 9112 section 2.2: a server may take LF for a line end
		return replace("\r\n", "\n", -1)
	case coding: // RFC 9112 section 6.1: a coding that a server does not know is answered 501
		return replace("\r\nConnection:", "\r\nTransfer-Encoding: hostkin\r\nConnection:", 1)
	}
	return request
}
