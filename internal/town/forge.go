package town

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// forge makes the keys and certificates that the machines refer to.
func forge(machines []*machine) error {
	var keys []*tlsKey
	var sshKeys []*hostKeys
	var certs []*certificate
	var authorities []*authority
	for _, m := range machines {
		if m.ssh != nil && !slices.Contains(sshKeys, m.ssh.keys) {
			sshKeys = append(sshKeys, m.ssh.keys)
		}
		if m.web == nil || m.web.cert == nil || slices.Contains(certs, m.web.cert) {
			continue
		}
		c := m.web.cert
		certs = append(certs, c)
		keys = addOnce(keys, c.key)
		if c.issuer != nil {
			keys = addOnce(keys, c.issuer.key)
			authorities = addOnce(authorities, c.issuer)
		}
	}
	m, err := newMill()
	if err != nil {
		return err
	}
	return errors.Join(
		inParallel(keys, func(k *tlsKey) (err error) {
			k.key, err = m.make(k.kind, k.seed)
			return err
		}),
		inParallel(sshKeys, func(k *hostKeys) error {
			for i, kind := range k.kinds {
				key, err := m.make(kind, k.seed+uint64(i)<<32)
				if err != nil {
					return err
				}
				k.keys = append(k.keys, key)
			}
			return nil
		}),
		inParallel(authorities, (*authority).make),
		inParallel(certs, (*certificate).make),
	)
}

func addOnce[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}

func inParallel[T any](list []T, do func(T) error) error {
	errs := make([]error, len(list))
	room := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, v := range list {
		room <- struct{}{}
		wg.Go(func() {
			errs[i] = do(v)
			<-room
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (a *authority) make() error {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-30 * 24 * time.Hour), NotAfter: time.Now().Add(a.validity),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	var err error
	if template.RawSubject, err = distinguished(a.subject); err != nil {
		return err
	}
	a.der, err = x509.CreateCertificate(rand.Reader, template, template, a.key.key.Public(), a.key.key)
	return err
}

// make signs the certificate. All extensions go through ExtraExtensions, so
// that their order is the issuer's and not crypto/x509's.
func (c *certificate) make() error {
	before := time.Now().Add(-c.age)
	if c.midnight {
		before = before.Truncate(24 * time.Hour)
	}
	serial := big.NewInt(1)
	if c.serial > 0 {
		raw := make([]byte, c.serial)
		rand.Read(raw)
		raw[0] = raw[0]&0x7f | 0x10
		serial.SetBytes(raw)
	}
	template := &x509.Certificate{SerialNumber: serial, NotBefore: before, NotAfter: before.Add(c.validity)}
	var err error
	if template.RawSubject, err = distinguished(c.subject); err != nil {
		return err
	}
	issuer, signer := c.key.key, c.key.key
	parent := &x509.Certificate{RawSubject: template.RawSubject}
	if c.issuer != nil {
		issuer, signer = c.issuer.key.key, c.issuer.key.key
		if parent.RawSubject, err = distinguished(c.issuer.subject); err != nil {
			return err
		}
	}
	for _, e := range c.extensions {
		made, err := c.extension(e, issuer)
		if err != nil {
			return err
		}
		template.ExtraExtensions = append(template.ExtraExtensions, made)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, c.key.key.Public(), signer)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.key.key)
	if err != nil {
		return err
	}
	c.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if c.sendChain && c.issuer != nil {
		c.pem = append(c.pem, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.issuer.der})...)
	}
	c.pem = append(c.pem, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	return nil
}

// nameless reports whether the certificate is for nobody.
func (c *certificate) nameless() bool {
	named := len(c.names) > 0 && slices.Contains(c.extensions, "san")
	return !named && !slices.ContainsFunc(c.subject, func(p rdn) bool { return p.attribute == "CN" })
}

var errExtension = errors.New("no such extension")

func (c *certificate) extension(e extension, issuer crypto.Signer) (pkix.Extension, error) {
	name, critical := strings.CutSuffix(string(e), "!")
	id, value := asn1.ObjectIdentifier{2, 5, 29, 0}, any(nil)
	switch name {
	case "ski":
		id[3], value = 14, keyID(c.key.key)
	case "aki":
		id[3], value = 35, struct {
			ID []byte `asn1:"tag:0"`
		}{keyID(issuer)}
	case "bc": // CA:FALSE
		id[3], value = 19, struct{}{}
	case "ca": // what openssl req -x509 says of itself
		id[3], value = 19, struct{ CA bool }{true}
	case "ku":
		id[3], value = 15, asn1.BitString{Bytes: []byte{0xa0}, BitLength: 3}
	case "eku":
		id[3], value = 37, []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 1}, {1, 3, 6, 1, 5, 5, 7, 3, 2}}
	case "server":
		id[3], value = 37, []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 1}}
	case "policies":
		id[3], value = 32, []struct{ ID asn1.ObjectIdentifier }{{asn1.ObjectIdentifier{2, 23, 140, 1, 2, 1}}}
	case "san":
		id[3], value = 17, alternatives(c.names, c.addresses)
	case "aia":
		id, value = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}, []accessDescription{
			{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1}, uri("http://o.ca.test")},
			{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 2}, uri("http://i.ca.test/")},
		}
	case "sct": // RFC 6962 section 3.3, an empty list
		id, value = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, []byte{0, 0}
	case "comment":
		id, value = asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 1, 13}, asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("OpenSSL Generated Certificate")}
	default:
		return pkix.Extension{}, errExtension
	}
	der, err := asn1.Marshal(value)
	return pkix.Extension{Id: id, Critical: critical, Value: der}, err
}

// accessDescription is one of RFC 5280 section 4.2.2.1.
type accessDescription struct {
	Method   asn1.ObjectIdentifier
	Location asn1.RawValue
}

func uri(s string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(s)}
}

func alternatives(names []string, addresses []netip.Addr) []asn1.RawValue {
	var out []asn1.RawValue
	for _, n := range names {
		out = append(out, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2, Bytes: []byte(n)})
	}
	for _, a := range addresses {
		out = append(out, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 7, Bytes: a.AsSlice()})
	}
	return out
}

func keyID(k crypto.Signer) []byte {
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		return nil
	}
	sum := sha1.Sum(der)
	return sum[:]
}

func distinguished(parts []rdn) ([]byte, error) {
	ids := map[string]asn1.ObjectIdentifier{
		"CN": {2, 5, 4, 3}, "C": {2, 5, 4, 6}, "L": {2, 5, 4, 7}, "ST": {2, 5, 4, 8}, "O": {2, 5, 4, 10},
		"OU": {2, 5, 4, 11}, "E": {1, 2, 840, 113549, 1, 9, 1},
	}
	var sequence pkix.RDNSequence
	for _, p := range parts {
		sequence = append(sequence, pkix.RelativeDistinguishedNameSET{{Type: ids[p.attribute], Value: p.value}})
	}
	return asn1.Marshal(sequence)
}
