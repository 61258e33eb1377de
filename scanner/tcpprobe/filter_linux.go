package tcpprobe

import "golang.org/x/net/bpf"

// Offsets that Linux adds to the filter machine (linux/filter.h). netHeader
// makes a load relative to the network header, so that one program serves
// Ethernet, loopback and tunnels without a link layer.
const (
	netHeader     = 0xfff00000 // SKF_NET_OFF
	outgoing      = 4          // PACKET_OUTGOING (linux/if_packet.h)
	snapLength    = 256        // link-layer, IP and TCP header fit
	etherTypeIPv4 = 0x0800
	etherTypeIPv6 = 0x86dd
)

// filter is the program for the kernel: outgoing SYNs and incoming SYN-ACKs
// over IPv4 and IPv6. Loopback shows each packet twice, once in either
// direction; asking for the direction keeps one of them.
func filter() ([]bpf.RawInstruction, error) {
	return bpf.Assemble([]bpf.Instruction{
		// X = length of the IP header
		/*  0 */ bpf.LoadExtension{Num: bpf.ExtProto},
		/*  1 */ bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherTypeIPv6, SkipTrue: 9},
		/*  2 */ bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: etherTypeIPv4, SkipTrue: 20},
		/*  3 */ bpf.LoadAbsolute{Off: netHeader + 9, Size: 1},
		/*  4 */ bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 6, SkipTrue: 18},
		/*  5 */ bpf.LoadAbsolute{Off: netHeader + 6, Size: 2},
		/*  6 */ bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 16},
		/*  7 */ bpf.LoadAbsolute{Off: netHeader, Size: 1},
		/*  8 */ bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x0f},
		/*  9 */ bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		/* 10 */ bpf.Jump{Skip: 3},
		/* 11 */ bpf.LoadAbsolute{Off: netHeader + 6, Size: 1},
		/* 12 */ bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 6, SkipTrue: 10},
		/* 13 */ bpf.LoadConstant{Dst: bpf.RegA, Val: 40},
		/* 14 */ bpf.TAX{},
		// the flags that the direction asks for
		/* 15 */ bpf.LoadExtension{Num: bpf.ExtType},
		/* 16 */ bpf.JumpIf{Cond: bpf.JumpEqual, Val: outgoing, SkipTrue: 3},
		/* 17 */ bpf.LoadIndirect{Off: netHeader + 13, Size: 1},
		/* 18 */ bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: flagSYN | flagACK | flagRST | flagFIN},
		/* 19 */ bpf.JumpIf{Cond: bpf.JumpEqual, Val: flagSYN | flagACK, SkipTrue: 4, SkipFalse: 3},
		/* 20 */ bpf.LoadIndirect{Off: netHeader + 13, Size: 1},
		/* 21 */ bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: flagSYN | flagACK | flagRST | flagFIN},
		/* 22 */ bpf.JumpIf{Cond: bpf.JumpEqual, Val: flagSYN, SkipTrue: 1},
		/* 23 */ bpf.RetConstant{Val: 0},
		/* 24 */ bpf.RetConstant{Val: snapLength},
	})
}
