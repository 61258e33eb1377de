package town

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// command is a server to start: one process for many hosts.
type command struct {
	name   string
	args   []string
	env    []string
	log    string         // file for its output
	listen netip.AddrPort // the last address it binds: when that answers, all do
}

// child is a command that runs.
type child struct {
	command
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how, valid after done
}

func (c command) start(ctx context.Context) (*child, error) {
	path, err := exec.LookPath(c.name) // sshd wants an absolute path
	if err != nil {
		return nil, err
	}
	out, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, path, c.args...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	running := &child{command: c, cmd: cmd, done: make(chan struct{})}
	go func() {
		running.err = cmd.Wait()
		close(running.done)
	}()
	return running, nil
}

// ready returns when the server answers: apache2 accepts connections well
// before it serves them.
func (c *child) ready(ctx context.Context) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		if c.answers(ctx) {
			return nil
		}
		select {
		case <-c.done:
			return fmt.Errorf("%s ended while starting (%v):\n%s", c.name, c.err, c.output())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer on %s: %w\n%s", c.name, c.listen, ctx.Err(), c.output())
		case <-time.After(pause):
		}
	}
}

// answers says something that gets a banner, a page, an alert or an end out of
// any server.
func (c *child) answers(ctx context.Context) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", c.listen.String())
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second)) // a fresh connection takes any
	if _, err := conn.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// wait returns when the server has ended after its context was cancelled.
func (c *child) wait() error {
	select {
	case <-c.done:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%s (process %d) does not end", c.name, c.cmd.Process.Pid)
	}
}

func (c *child) output() []byte {
	out, err := os.ReadFile(c.log)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(out[max(0, len(out)-2000):])
}
