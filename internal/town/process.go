package town

import (
	"bytes"
	"context"
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

// ready returns when the server accepts connections. The connection is closed
// at once, so that it costs the server little.
func (c *child) ready(ctx context.Context) error {
	var dialer net.Dialer
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		conn, err := dialer.DialContext(ctx, "tcp", c.listen.String())
		if err == nil {
			return conn.Close()
		}
		select {
		case <-c.done:
			return fmt.Errorf("%s ended while starting (%v):\n%s", c.name, c.err, c.output())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s: %w\n%s", c.name, c.listen, ctx.Err(), c.output())
		case <-time.After(pause):
		}
	}
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
