package asn

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxLeaves bounds the walk through a search tree. Nodes may be shared, so a
// small file can have any number of leaves.
const maxLeaves = 4 * maxRanges

// readMMDB reads an ASN database of MaxMind, IPinfo, DB-IP and others, of at
// most so many leaves.
func (b *Builder) readMMDB(in io.Reader, most int) (err error) {
	defer func() {
		if p := recover(); p != nil { // the file is hostile, the library not ours
			err = fmt.Errorf("broken MMDB: %v", p)
		}
	}()
	file, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	db, err := maxminddb.OpenBytes(file)
	if err != nil {
		return fmt.Errorf("neither text nor MMDB: %w", err)
	}
	records := map[uintptr]owner{} // many networks share one
	var last network
	// Leaves without data and aliases are asked for so that each counts.
	for leaf := range db.Networks(maxminddb.IncludeNetworksWithoutData(), maxminddb.IncludeAliasedNetworks()) {
		if most--; most < 0 {
			return errors.New("broken MMDB: too many networks")
		}
		if err := leaf.Err(); err != nil {
			return err
		}
		prefix := leaf.Prefix()
		if !leaf.Found() || alias(prefix) {
			continue
		}
		o, known := records[leaf.Offset()]
		if !known {
			if o, err = ownerOf(leaf); err != nil {
				return fmt.Errorf("record of %s: %w", prefix, err)
			}
			if len(records) < maxNames {
				records[leaf.Offset()] = o
			}
		}
		if o.as == 0 {
			continue
		}
		from, to := ends(prefix)
		if last.as == o.as && last.to.Next() == from { // countries and the like divide one AS
			last.to = to
			continue
		}
		if err := b.addNetwork(last); err != nil {
			return err
		}
		last = network{from, to, o}
	}
	if last.as == 0 {
		return fmt.Errorf("an MMDB of type %q without AS numbers; use an ASN database", db.Metadata.DatabaseType)
	}
	return b.addNetwork(last)
}

// network is leaves side by side.
type network struct {
	from, to netip.Addr
	owner
}

func (b *Builder) addNetwork(n network) error {
	if n.as == 0 {
		return nil // there is none yet
	}
	return b.add(n.from, n.to, n.as, n.name)
}

// alias reports whether a prefix lies where writers repeat all of IPv4: mapped
// addresses (RFC 4291), Teredo (RFC 4380) and 6to4 (RFC 3056).
func alias(p netip.Prefix) bool {
	return slices.ContainsFunc([]netip.Prefix{
		netip.PrefixFrom(netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff}), 96),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01}), 32),
		netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x02}), 16),
	}, func(a netip.Prefix) bool { return a.Bits() <= p.Bits() && a.Contains(p.Addr()) })
}

// owner is what a record says of an AS.
type owner struct {
	as   uint32
	name string
}

// ownerOf reads MaxMind's and DB-IP's fields, else IPinfo's.
func ownerOf(r maxminddb.Result) (o owner, err error) {
	var text string
	if err = r.DecodePath(&o.as, "autonomous_system_number"); err != nil {
		return o, err
	}
	if o.as != 0 {
		return o, r.DecodePath(&o.name, "autonomous_system_organization")
	}
	err = r.DecodePath(&text, "asn")
	if _, isNumber := errors.AsType[maxminddb.UnmarshalTypeError](err); isNumber {
		err = r.DecodePath(&o.as, "asn")
	}
	if err != nil {
		return o, err
	}
	if text != "" {
		var ok bool
		if o.as, ok = parseAS(text); !ok {
			return o, fmt.Errorf("%q is no AS number", field{text: text}.short())
		}
	}
	for _, key := range []string{"name", "as_name"} {
		if err := r.DecodePath(&o.name, key); err != nil || o.name != "" {
			return o, err
		}
	}
	return o, nil
}
