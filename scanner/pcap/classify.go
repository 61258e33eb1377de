package pcap

import "bytes"

// clientPorts is where the ports begin that systems give to clients: on Linux;
// others begin later.
const clientPorts = 32768

// classify looks at what was said so far and begins to read it, or ends c if
// that is nothing that can be read; false: more is needed. final: there is no more.
func (c *conn) classify(final bool) bool {
	if c.server == unknown {
		if c.server = c.guess(); c.server == unknown {
			said := len(c.held[0])+len(c.held[1]) > 0
			if c.over = final || len(c.held[0]) >= 8 && len(c.held[1]) >= 8; c.over {
				c.sideless = said
			}
			return c.over
		}
	}
	client, server := c.held[1-c.server], c.held[c.server]
	switch {
	case bytes.HasPrefix(client, []byte("SSH-")), bytes.HasPrefix(server, []byte("SSH-")):
		c.begin(new(sshReader))
	case startsTLS(client):
		n := recordSize(client)
		if n > len(client) {
			return false
		}
		r, ok := newTLSReader(client[:n])
		if !ok {
			c.over = true
			return true
		}
		c.held[1-c.server] = client[n:]
		c.begin(r)
	case startsRequest(client):
		c.begin(new(httpReader))
	case len(server) > 0 && c.first == c.server && (final || len(client) > 0) && !answers(server):
		if c.begun[c.server] {
			c.reader = &bannerReader{banner: server[:min(len(server), maxBanner)]}
		}
		c.over = true
	case final || len(client) > 0 && !mayStart(client):
		c.over = true
	default:
		return false
	}
	return true
}

// guess is the side of the server by what was said first, or unknown.
func (c *conn) guess() int {
	for side, said := range c.held {
		const serverHello, clientHello = 2, 1
		switch {
		case startsTLS(said) && len(said) > 5 && said[5] == clientHello, startsRequest(said):
			return 1 - side
		case startsTLS(said) && len(said) > 5 && said[5] == serverHello, bytes.HasPrefix(said, []byte("HTTP/1.")):
			return side
		case bytes.HasPrefix(said, []byte("SSH-")):
			return c.lowerPort()
		}
	}
	return unknown
}

// lowerPort is the side with the lower port, if it is no client's.
func (c *conn) lowerPort() int {
	a, b := c.ends[0].Port(), c.ends[1].Port()
	switch {
	case a < b && a < clientPorts:
		return 0
	case b < a && b < clientPorts:
		return 1
	}
	return unknown
}

// startsTLS tells a handshake record (RFC 8446 section 5.1).
func startsTLS(b []byte) bool { return len(b) > 1 && b[0] == 0x16 && b[1] == 3 }

// answers tells what only an answer begins with: the question is missing from
// the capture then, and it is no banner.
func answers(b []byte) bool {
	const alert = 0x15
	return bytes.HasPrefix(b, []byte("HTTP/")) || startsTLS(b) || len(b) > 1 && b[0] == alert && b[1] == 3
}

// recordSize is that of the first record with its header, or more than b holds.
func recordSize(b []byte) int {
	if len(b) < 5 {
		return len(b) + 1
	}
	return 5 + int(b[3])<<8 + int(b[4])
}

// maxMethod is the length of a method that is taken for one, in bytes.
const maxMethod = 16

// startsRequest tells a request line (RFC 9112 section 3): a method in capital
// letters and the beginning of a target, as no mail or FTP command has it.
func startsRequest(b []byte) bool {
	method, target, ok := bytes.Cut(b[:min(len(b), maxMethod+2)], []byte(" "))
	return ok && capitals(method) && len(method) > 0 && len(target) > 0 && (target[0] == '/' || target[0] == '*' || target[0] == 'h')
}

// mayStart tells that a few more bytes may show what it is.
func mayStart(b []byte) bool {
	switch {
	case bytes.HasPrefix([]byte("SSH-"), b), len(b) == 1 && b[0] == 0x16:
		return true
	}
	method, target, ok := bytes.Cut(b, []byte(" "))
	return capitals(method) && len(method) <= maxMethod && (!ok || len(target) == 0)
}

func capitals(b []byte) bool {
	for _, c := range b {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
