package sshprobe

import (
	"crypto/ed25519"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/internal/livetest"
)

// startGo starts a server of golang.org/x/crypto, with its defaults or one
// key exchange method.
func startGo(t *testing.T, method string) (netip.AddrPort, ssh.PublicKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	if method != "" {
		config.KeyExchanges = []string{method}
	}
	config.AddHostKey(signer)
	addr := livetest.Listen(t, "127.0.0.1:0", func(c net.Conn) { ssh.NewServerConn(c, config) })
	return addr, signer.PublicKey()
}

// startTiny starts tinysshd as a superserver would, one process a connection.
func startTiny(t *testing.T) netip.AddrPort {
	t.Helper()
	program, keys := livetest.Need(t, "tinysshd"), filepath.Join(t.TempDir(), "keys")
	if out, err := exec.Command(livetest.Need(t, "tinysshd-makekey"), keys).CombinedOutput(); err != nil {
		t.Fatalf("tinysshd-makekey: %v\n%s", err, out)
	}
	return livetest.Listen(t, "127.0.0.1:0", func(c net.Conn) {
		f, err := c.(*net.TCPConn).File()
		if err != nil {
			return
		}
		defer f.Close()
		server := exec.CommandContext(t.Context(), program, "-q", keys)
		server.Stdin, server.Stdout = f, f
		_ = server.Run() // it ends badly on every one of our questions
	})
}

// hostKey makes an RSA key in PEM, which every server here can read.
func hostKey(t *testing.T, name string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, name)
	if out, err := exec.Command(livetest.Need(t, "ssh-keygen"), "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return dir, file
}

// startPython runs a server of a module of Debian's Python; the script is
// given a port of 127.0.0.1 and a host key.
func startPython(t *testing.T, module, script string) netip.AddrPort {
	t.Helper()
	const python = "/usr/bin/python3" // that which the packaged modules belong to
	if out, err := exec.Command(livetest.Need(t, python), "-c", "import "+module).CombinedOutput(); err != nil {
		livetest.Missing(t, fmt.Errorf("python3 without %s: %w\n%s", module, err, out))
	}
	addr := livetest.FreePort(t, "127.0.0.1")
	_, key := hostKey(t, "key")
	livetest.Serve(t, addr, python, "-c", script, fmt.Sprint(addr.Port()), key)
	return addr
}

const paramikoServer = `
import socket, sys, threading, paramiko
key = paramiko.RSAKey(filename=sys.argv[2])
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def serve(conn):
    try:
        t = paramiko.Transport(conn)
        t.add_server_key(key)
        t.start_server(server=paramiko.ServerInterface())
    except (paramiko.SSHException, EOFError, OSError): pass
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
`

const conchServer = `
import sys
from twisted.conch.ssh import factory, keys
from twisted.internet import reactor
key, f = keys.Key.fromFile(sys.argv[2]), factory.SSHFactory()
f.publicKeys, f.privateKeys = {b"ssh-rsa": key.public()}, {b"ssh-rsa": key}
f.getPrimes = lambda: None
reactor.listenTCP(int(sys.argv[1]), f, interface="127.0.0.1")
reactor.run()
`

const asyncServer = `
import asyncio, sys, asyncssh
async def main():
    await asyncssh.listen("127.0.0.1", int(sys.argv[1]), server_host_keys=[sys.argv[2]])
    await asyncio.Event().wait()
asyncio.run(main())
`

// startErlang starts the SSH daemon of Erlang/OTP.
func startErlang(t *testing.T) netip.AddrPort {
	t.Helper()
	erl := livetest.Need(t, "erl")
	has := `halt(case code:lib_dir(ssh) of {error, _} -> 1; _ -> 0 end).`
	if err := exec.Command(erl, "-noshell", "-eval", has).Run(); err != nil {
		livetest.Missing(t, fmt.Errorf("erl without ssh: %w", err))
	}
	dir, _ := hostKey(t, "ssh_host_rsa_key")
	addr := livetest.FreePort(t, "127.0.0.1")
	livetest.Serve(t, addr, "erl", "-noshell", "-noinput", "-eval",
		fmt.Sprintf(`ssh:start(), {ok, _} = ssh:daemon({127,0,0,1}, %d, [{system_dir, %q}]).`, addr.Port(), dir))
	return addr
}
