package transport

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"
	"time"
)

// How long all connecting pauses when this machine has run short of something,
// at first and at most, and how often that is told while it lasts.
const (
	firstPause = 10 * time.Millisecond
	mostPause  = time.Second
	tellEvery  = 30 * time.Second
)

// shortage is a lack of descriptors, local ports or memory on this machine.
// While it lasts all pause, longer each time that nothing has become free.
type shortage struct {
	mu    sync.Mutex
	until time.Time
	pause time.Duration // 0: there is no shortage
	told  time.Time
}

// wait returns when it is time to try.
func (s *shortage) wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		until := s.until
		s.mu.Unlock()
		if !time.Now().Before(until) {
			return ctx.Err()
		}
		if err := sleep(ctx, until); err != nil {
			return err
		}
	}
}

// hit tells that something is short. Those that tried at once with others count
// as one.
func (s *shortage) hit(log *slog.Logger, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.until) {
		return
	}
	s.pause = min(max(2*s.pause, firstPause), mostPause)
	s.until = now.Add(s.pause)
	if s.told.IsZero() || now.Sub(s.told) >= tellEvery {
		s.told = now
		errno, _ := errors.AsType[syscall.Errno](err)
		log.Error("cannot open a connection, so all wait and no host is blamed: "+advice(errno), "error", err)
	}
}

// over tells that a connection was possible again.
func (s *shortage) over() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Before(s.until) {
		s.pause = 0
	}
}
