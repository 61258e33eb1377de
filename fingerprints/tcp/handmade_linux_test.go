package tcp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/transport"
)

// handmade are SYN-ACKs of stacks that are not Linux, sent by a program behind
// a TUN device. What they echo of our timestamp is 0, which Linux lets pass.
var handmade = []struct {
	name    string
	ip      string // hex: IP ID, flags and TTL; the hop limit alone: IPv6
	extra   string // hex: IPv4 options, or an IPv6 extension header
	flags   uint16 // with the reserved bits; 0x012: SYN and ACK
	window  uint16
	options string // hex
	want    string // "": tcp.info, because it is not captured
}{
	{"Windows", "1a2b4000 80", "", 0x012, 65535, "020405b4 01030308 01010402", "128:df:65535:1460:8:mss,nop,ws,nop,nop,sackok:id+"},
	{"Windows Server", "1a2b4000 80", "", 0x012, 65535, "020405b4 01030308 0402080a 00000001 00000000", "128:df:65535:1460:8:mss,nop,ws,sackok,ts:id+"},
	{"FreeBSD", "00004000 40", "", 0x012, 65535, "020405b4 01030306 0402080a 00000002 00000000", "64:df:65535:1460:6:mss,nop,ws,sackok,ts"},
	{"macOS", "00004000 40", "", 0x012, 65535, "020405b4 01030306 0101080a 00000002 00000000 0402 0000", "64:df:65535:1460:6:mss,nop,ws,nop,nop,ts,sackok,eol+1"},
	{"Solaris", "77774000 40", "", 0x012, 49232, "0101080a 00000002 00000000 020405b4 01030300 01010402", "64:df:49232:1460:0:nop,nop,ts,mss,nop,ws,nop,nop,sackok:id+"},
	{"a router", "12340000 ff", "", 0x012, 4128, "02040218", "255:-:4128:536:-:mss"},
	{"a small device", "00000000 ff", "", 0x012, 1024, "", "255:-:1024:-:-:none:id-"},
	{"zero window", "00004000 40", "", 0x012, 0, "020405b4", "64:df:0:1460:-:mss"},
	{"unknown kinds", "00004000 40", "", 0x012, 8192, "020405b4 2202 fd04f989 1e04aaaa 0101", "64:df:8192:1460:-:mss,34,253,30,nop,nop"},
	{"an option that leaves the field", "00004000 40", "", 0x012, 8192, "020405b4 fd28f989", "64:df:8192:1460:-:mss,253,bad"},
	{"an option of length 0", "00004000 40", "", 0x012, 8192, "020405b4 fd00f989", "64:df:8192:1460:-:mss,253,bad"},
	{"padding that is not zero", "00004000 40", "", 0x012, 8192, "020405b4 00ffffff", "64:df:8192:1460:-:mss,eol+3!"},
	{"reserved bits", "00004000 40", "", 0xe12, 8192, "020405b4", "64:df:8192:1460:-:mss:0+"},
	{"PSH", "00004000 40", "", 0x01a, 8192, "020405b4", "64:df:8192:1460:-:mss:pushf+"},
	{"IPv4 options", "00004000 40", "01010101", 0x012, 8192, "020405b4", "64:df:8192:1460:-:mss"},
	{"IPv6", "40", "", 0x012, 8192, "020405a0", "64:v6:8192:1440:-:mss"},
	{"IPv6, destination options", "40", "0600 010400000000", 0x012, 8192, "020405a0", ""},
}

func TestHandmadeStacks(t *testing.T) {
	if !alone(t) {
		return
	}
	tun := openTUN(t, "tun0")
	ip(t, "link", "set", "tun0", "up", "mtu", "1500")
	ip(t, "address", "add", "198.18.0.1/24", "dev", "tun0")
	ip(t, "-6", "address", "add", "fd00::1/64", "dev", "tun0", "nodad")
	answering := make(chan struct{})
	go func() {
		defer close(answering)
		answer(tun)
	}()
	t.Cleanup(func() { tun.Close(); <-answering })

	c := capture(t)
	for n, h := range handmade {
		addr := netip.AddrFrom4([4]byte{198, 18, 0, byte(100 + n)})
		if len(h.ip) == 2 {
			addr = netip.MustParseAddr(fmt.Sprintf("fd00::%x", 100+n))
		}
		t.Run(h.name, func(t *testing.T) {
			to := netip.AddrPortFrom(addr, 443).String()
			weak := always(t, transport.Config{}, KindInfo, to, 5)
			if h.want == "" {
				if got := always(t, config(c), KindInfo, to, 5); got != weak {
					t.Errorf("got %s with a capture, %s without", got, weak)
				}
				return
			}
			if got := values(t, c, to, 5); got != h.want {
				t.Errorf("got %s, want %s", got, h.want)
			}
		})
	}
}

// openTUN makes a device whose packets are those of a file.
func openTUN(t *testing.T, name string) *os.File {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		livetest.Missing(t, err)
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		unix.Close(fd)
		livetest.Missing(t, err)
	}
	return os.NewFile(uintptr(fd), "tun") // in Go's poller: closing it ends a read
}

// answer answers each SYN with what is handmade for its address.
func answer(tun *os.File) {
	packet := make([]byte, 1500)
	for {
		n, err := tun.Read(packet)
		if err != nil {
			return
		}
		if reply := replyTo(packet[:n]); reply != nil {
			_, _ = tun.Write(reply)
		}
	}
}

// replyTo is the SYN-ACK to a SYN, nil for any other packet.
func replyTo(syn []byte) []byte {
	head, addresses := 20, syn[12:]
	if syn[0]>>4 == 6 {
		head, addresses = 40, syn[8:]
	}
	size := 4 + 12*(head/40)
	if h, ok := parse(syn); !ok || h.flags != flagSYN {
		return nil
	}
	src, dst := addresses[:size], addresses[size:2*size]
	n := int(dst[size-1]) - 100
	if n < 0 || n >= len(handmade) {
		return nil
	}
	h := handmade[n]
	tcp := make([]byte, 20, 60)
	copy(tcp, syn[head+2:head+4]) // the ports, the other way round
	copy(tcp[2:], syn[head:head+2])
	binary.BigEndian.PutUint32(tcp[4:], 0x10203040)
	binary.BigEndian.PutUint32(tcp[8:], binary.BigEndian.Uint32(syn[head+4:])+1)
	tcp = append(tcp, raw(h.options)...)
	binary.BigEndian.PutUint16(tcp[12:], uint16(len(tcp)/4)<<12|h.flags)
	binary.BigEndian.PutUint16(tcp[14:], h.window)
	pseudo := append(append(append([]byte{}, dst...), src...), 0, 6, 0, byte(len(tcp)))
	binary.BigEndian.PutUint16(tcp[16:], checksum(append(pseudo, tcp...)))
	return append(ipHeader(h.ip, raw(h.extra), dst, src, len(tcp)), tcp...)
}

// ipHeader is an IPv4 or IPv6 header with what is handmade of it, before a
// payload of size bytes.
func ipHeader(fields string, extra, src, dst []byte, size int) []byte {
	f := raw(fields)
	if len(f) == 1 {
		b := append([]byte{0x60, 0, 0, 0, 0, byte(len(extra) + size), 6, f[0]}, src...)
		if len(extra) > 0 {
			b[6] = 60 // destination options, RFC 8200 section 4.6
		}
		return append(append(b, dst...), extra...)
	}
	head := byte(20 + len(extra))
	b := []byte{0x40 | head/4, 0, 0, head + byte(size), f[0], f[1], f[2], f[3], f[4], 6, 0, 0}
	b = append(append(append(b, src...), dst...), extra...)
	binary.BigEndian.PutUint16(b[10:], checksum(b))
	return b
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// raw is hex with spaces.
func raw(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}
