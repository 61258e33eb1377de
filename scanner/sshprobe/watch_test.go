package sshprobe

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/record"
)

// watched reads a connection, one side after the other, in pieces of a size.
func watched(client, server []byte, size int, clientFirst bool) (record.SSH, record.Status) {
	var w Watch
	each := func(b []byte, take func([]byte)) {
		for len(b) > 0 {
			n := min(size, len(b))
			take(b[:n:n])
			b = b[n:]
		}
	}
	if clientFirst {
		each(client, w.Client)
	}
	each(server, w.Server)
	if !clientFirst {
		each(client, w.Client)
	}
	status := w.End(record.Timeout)
	var a record.SSH
	w.Fold(&a)
	return a, status
}

// someKey is a host key blob of a type.
func someKey(kind string) []byte { return appendString(appendString(nil, kind), "key") }

func serverSays(packets ...[]byte) []byte {
	k := generalOffer()
	k.Kex = []string{"curve25519-sha256", "diffie-hellman-group-exchange-sha256"}
	return slices.Concat(append([][]byte{[]byte("SSH-2.0-server\r\n"), kexInitPacket(k)}, packets...)...)
}

func keyReply(message byte, blob []byte) []byte {
	return frame(appendString(appendString(appendString([]byte{message}, blob), "public"), "signature"))
}

// TestWatchNegotiatesAsTheClientDoes: the meaning of a message and the key
// asked for follow from the client's lists.
func TestWatchNegotiatesAsTheClientDoes(t *testing.T) {
	client := func(kex, key string) []byte {
		k := generalOffer()
		k.Kex, k.HostKey = []string{kex}, []string{"ssh-unknown", key}
		return append([]byte("SSH-2.0-client\r\n"), kexInitPacket(k)...)
	}
	gexGroup := frame(appendString(appendString([]byte{msgKexdhReply}, "prime"), "generator"))
	for name, c := range map[string]struct {
		client, server []byte
		want           string
	}{
		"curve25519":            {client("curve25519-sha256", "rsa-sha2-512"), serverSays(keyReply(msgKexdhReply, someKey("ssh-rsa"))), "rsa-sha2-512"},
		"group exchange":        {client("diffie-hellman-group-exchange-sha256", "ssh-ed25519"), serverSays(gexGroup, keyReply(msgGexReply, someKey("ssh-ed25519"))), "ssh-ed25519"},
		"nothing of the client": {nil, serverSays(keyReply(msgKexdhReply, someKey("ssh-rsa"))), "ssh-rsa"},
		"a client of nonsense":  {[]byte("\n\xff\xff\xff\xff\xff"), serverSays(keyReply(msgKexdhReply, someKey("ssh-rsa"))), "ssh-rsa"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, clientFirst := range []bool{true, false} {
				a, status := watched(c.client, c.server, 7, clientFirst)
				if status != record.OK || len(a.HostKeys) != 1 || a.HostKeys[0].Algorithm != c.want || string(a.Banner) != "SSH-2.0-server\r\n" || a.KEXINIT == nil {
					t.Errorf("%s: %+v", status, a)
				}
			}
		})
	}
}

func TestFoldTakesOneKeyOfEachType(t *testing.T) {
	var a record.SSH
	for _, algorithm := range []string{"ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519"} {
		k := generalOffer()
		k.HostKey = []string{algorithm}
		var w Watch
		w.Client(append([]byte("SSH-2.0-client\r\n"), kexInitPacket(k)...))
		w.Server(serverSays(keyReply(msgKexdhReply, someKey(keyType(algorithm)))))
		w.End(record.OK)
		w.Fold(&a)
	}
	if len(a.HostKeys) != 2 || a.HostKeys[1].Algorithm != "rsa-sha2-256" {
		t.Errorf("%+v", a.HostKeys)
	}
}

// FuzzWatch: what is read does not depend on how the bytes are cut.
func FuzzWatch(f *testing.F) {
	client := append([]byte("SSH-2.0-client\r\n"), kexInitPacket(generalOffer())...)
	f.Add(client, serverSays(keyReply(msgKexdhReply, someKey("ssh-rsa"))), 3)
	f.Add(client[:40], []byte("lines\r\nbefore\r\nSSH-1.99-server\n"), 1)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 400 Bad Request\r\n"), 9)
	f.Fuzz(func(t *testing.T, client, server []byte, size int) {
		if len(server) > maxReceived/2 {
			return
		}
		whole, status := watched(client, server, len(client)+len(server)+1, true)
		cut, cutStatus := watched(client, server, 1+size&0xff, false)
		if diff := cmp.Diff(whole, cut); diff != "" || status != cutStatus {
			t.Errorf("%s and %s, -whole +cut:\n%s", status, cutStatus, diff)
		}
	})
}
