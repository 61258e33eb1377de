package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"os"
	"testing"
)

// endless gives its bytes, then stops the run and never ends.
type endless struct {
	io.Reader
	stop func()
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.Reader.Read(p); err == nil {
		return n, nil
	}
	e.stop()
	select {}
}

// TestAStoppedCaptureIsWritten: what was read by then is in the output.
func TestAStoppedCaptureIsWritten(t *testing.T) {
	packed, err := os.ReadFile("../../scanner/pcap/testdata/scan.pcap.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	capture, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	const size = 1000 // of frames of another protocol, more of them than there are buffers
	frame := binary.LittleEndian.AppendUint32(make([]byte, 8), size)
	frame = append(binary.LittleEndian.AppendUint32(frame, size), make([]byte, size)...)
	capture = append(capture, bytes.Repeat(frame, 1000)...)

	ctx, cancel := context.WithCancel(t.Context())
	var stdout, stderr bytes.Buffer
	code := Main(ctx, []string{"pcap"}, &endless{bytes.NewReader(capture), cancel}, &stdout, &stderr)
	if code != exitStopped || !bytes.Contains(stderr.Bytes(), []byte("stopped before the end")) {
		t.Errorf("exit code %d, stderr %s", code, &stderr)
	}
	if n := bytes.Count(stdout.Bytes(), []byte(`"probe":"jarm","status":"ok"`)); n != 2 {
		t.Errorf("%d JARM observations: %s", n, &stdout)
	}
}

func TestALostCaptureResultIsAFailure(t *testing.T) {
	var stderr bytes.Buffer
	if code := Main(t.Context(), []string{"pcap", "../../scanner/pcap/testdata/scan.pcap.gz"}, nil, full{}, &stderr); code != exitFailed {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}
