package lab

import (
	"crypto"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

// epoch is when the towns' certificates were issued, more or less: fixed, so
// that a town is the same to the byte every day.
func epoch() time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) }

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// authority makes a self-signed CA.
func (s source) authority(name pkix.Name, curve elliptic.Curve) (*authority, error) {
	label := "ca " + name.String()
	key := s.ecdsa(label, curve)
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(s.bytes(label+" serial", 8)),
		Subject:               name,
		NotBefore:             epoch().AddDate(-2, 0, 0),
		NotAfter:              epoch().AddDate(8, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	// Without a source of randomness ECDSA signs as RFC 6979 says: the same
	// certificate every time.
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	return &authority{cert: cert, key: key}, nil
}

// issue signs template for key, with itself if ca is nil, and returns what a
// TLS server sends.
func (ca *authority) issue(template *x509.Certificate, key crypto.Signer) (tls.Certificate, error) {
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(nil, template, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate for %s: %w", template.Subject, err)
	}
	out := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if ca != nil {
		out.Certificate = append(out.Certificate, ca.cert.Raw)
	}
	return out, nil
}

// domainValidated is the certificate that a public CA gives to anybody who
// holds a name: ninety days from any second.
func (s source) domainValidated(name string) *x509.Certificate {
	r := s.rand("dv " + name)
	from := epoch().Add(-time.Duration(r.IntN(60*24*3600)) * time.Second)
	return &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(s.bytes("dv serial "+name, 18)),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             from,
		NotAfter:              from.Add(90*24*time.Hour - time.Second),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		IssuingCertificateURL: []string{"http://ca.example/issuer.der"},
	}
}

// snakeOil is the self-signed certificate that a package makes when it is
// installed: ten years from that second.
func (s source) snakeOil(name string) *x509.Certificate {
	r := s.rand("snake oil " + name)
	from := epoch().Add(-time.Duration(r.IntN(700*24*3600)) * time.Second)
	return &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(s.bytes("snake oil serial "+name, 20)[1:]),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             from,
		NotAfter:              from.Add(3650 * 24 * time.Hour),
		BasicConstraintsValid: true,
	}
}

// appliance is the self-signed certificate of a device that knows no name.
func (s source) appliance(vendor, name string) *x509.Certificate {
	r := s.rand("appliance " + name)
	from := epoch().AddDate(-r.IntN(9), -r.IntN(12), -r.IntN(28))
	return &x509.Certificate{
		SerialNumber: big.NewInt(int64(r.Uint32())),
		Subject:      pkix.Name{Country: []string{"XX"}, Organization: []string{vendor}, CommonName: name},
		NotBefore:    from,
		NotAfter:     from.AddDate(20, 0, 0),
	}
}
