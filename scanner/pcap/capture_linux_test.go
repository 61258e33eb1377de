package pcap

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/net/bpf"

	"github.com/hostkin/hostkin/internal/livetest"
)

// capture notes the packets of servers on 127.0.0.1, in the pcap format, from
// now until stop is called.
func capture(t *testing.T, servers ...netip.AddrPort) (stop func() []byte) {
	t.Helper()
	handle, err := pcapgo.NewEthernetHandle("lo")
	if err != nil {
		livetest.Missing(t, err)
	}
	sentinel, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	last := sentinel.Addr().(*net.TCPAddr).AddrPort()
	if err := handle.SetBPF(portFilter(t, append(slices.Clone(servers), last))); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w := pcapgo.NewWriter(&file)
	if err := w.WriteFileHeader(maxPacket, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		defer handle.Close()
		for {
			data, info, err := handle.ReadPacketData()
			if err != nil {
				done <- err
				return
			}
			ip, _ := network(linkEthernet, data)
			if s, kind := parse(ip); kind == isTCP && (s.src == last || s.dst == last) {
				done <- nil
				return
			}
			info.InterfaceIndex = 0
			if err := w.WritePacket(info, data); err != nil {
				done <- err
				return
			}
		}
	}()
	return func() []byte {
		t.Helper()
		conn, err := net.Dial("tcp", last.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		defer sentinel.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
}

// portFilter passes TCP over IPv4 from and to some ports. Loopback shows each
// packet twice: what goes out is left out.
func portFilter(t *testing.T, of []netip.AddrPort) []bpf.RawInstruction {
	t.Helper()
	const outgoing = 4
	refuse := 6 + 2*(1+len(of)) // index of the instruction that does; the next one passes
	var program []bpf.Instruction
	jump := func(cond bpf.JumpTest, value uint32, to int) {
		program = append(program, bpf.JumpIf{Cond: cond, Val: value, SkipTrue: uint8(to - len(program) - 1)})
	}
	load := func(i bpf.Instruction) { program = append(program, i) }
	load(bpf.LoadExtension{Num: bpf.ExtType})
	jump(bpf.JumpEqual, outgoing, refuse)
	load(bpf.LoadAbsolute{Off: 12, Size: 2})
	jump(bpf.JumpNotEqual, typeIPv4, refuse)
	load(bpf.LoadAbsolute{Off: 23, Size: 1})
	jump(bpf.JumpNotEqual, protocolTCP, refuse)
	for _, offset := range []uint32{34, 36} {
		load(bpf.LoadAbsolute{Off: offset, Size: 2})
		for _, addr := range of {
			jump(bpf.JumpEqual, uint32(addr.Port()), refuse+1)
		}
	}
	program = append(program, bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: maxPacket})
	raw, err := bpf.Assemble(program)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
