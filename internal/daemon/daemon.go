// Package daemon runs real servers as children of a test or of a command that
// measures: started together, waited for until they answer, ended by process
// id and never without their parent.
package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Command is a server to start.
type Command struct {
	Name   string // looked up in PATH and where Debian keeps daemons
	Args   []string
	Env    []string       // KEY=value, beside the environment of this process
	Log    string         // file for its output
	Answer netip.AddrPort // where it answers when it is ready: the last address it binds
	Ask    []byte         // what it answers to; nil: an HTTP request, for servers that answer, or hang up on, anything
}

// Process is a command that runs.
type Process struct {
	Command
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how, valid after done
}

// Find is the absolute path of a program (sshd wants to be started by it), in
// PATH or where Debian keeps daemons: those of PostgreSQL in a folder a version.
func Find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // a good pattern
		for _, dir := range append([]string{"/usr/sbin", "/usr/local/sbin"}, versions...) {
			if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return found, nil
			}
		}
		return "", err
	}
	return filepath.Abs(path)
}

// Start starts all of commands, waits until each answers, and returns them.
// They end when ctx is cancelled. On an error those that run are returned as
// well, to be waited for.
func Start(ctx context.Context, commands []Command) ([]*Process, error) {
	var running []*Process
	for _, c := range commands {
		p, err := c.start(ctx)
		if err != nil {
			return running, err
		}
		running = append(running, p)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, p := range running {
		if err := p.ready(ctx); err != nil {
			return running, err
		}
	}
	return running, nil
}

// startTime is what a hundred servers may take on a busy machine.
const startTime = 60 * time.Second

func (c Command) start(ctx context.Context) (*Process, error) {
	path, err := Find(c.Name)
	if err != nil {
		return nil, err
	}
	out, err := os.Create(c.Log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, path, c.Args...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = dieWithParent()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	p := &Process{Command: c, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// ready returns when the server answers: apache2 accepts connections well
// before it serves them.
func (p *Process) ready(ctx context.Context) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		if p.answers(ctx) {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended while starting (%v):\n%s", p.Name, p.err, p.output())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer on %s: %w\n%s", p.Name, p.Answer, ctx.Err(), p.output())
		case <-time.After(pause):
		}
	}
}

// answers says something that gets a banner, a page, an alert or an end out of
// any server.
func (p *Process) answers(ctx context.Context) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", p.Answer.String())
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second)) // a fresh connection takes any
	ask := p.Ask
	if ask == nil {
		ask = []byte("GET / HTTP/1.0\r\n\r\n")
	}
	if _, err := conn.Write(ask); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// Wait returns when the server has ended after its context was cancelled.
func (p *Process) Wait() error {
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%s (process %d) does not end", p.Name, p.cmd.Process.Pid)
	}
}

func (p *Process) output() []byte {
	out, err := os.ReadFile(p.Log)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(out[max(0, len(out)-2000):])
}
