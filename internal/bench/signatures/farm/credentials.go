package farm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"time"
)

// Host is the name in every certificate; a strict site answers to it.
const Host = "www.farm.test"

// credential is a certificate chain and its key in PEM files.
type credential struct {
	name            string
	both, cert, key string // both holds chain and key
}

// credentials makes what is asked for, once. There is an authority of its own:
// for chains, and as the one whose client certificates are asked for.
type credentials struct {
	made   map[string]credential
	ca     string // PEM file
	caCert *x509.Certificate
	caKey  crypto.Signer
	dh     string // PEM file with the group ffdhe2048 (RFC 7919)
}

func newCredentials(dir string) (*credentials, error) {
	c := &credentials{made: map[string]credential{}, ca: dir + "/ca.pem", dh: dir + "/ffdhe2048.pem"}
	var err error
	if c.caKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Farm CA", Organization: []string{"Farm"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, c.caKey.Public(), c.caKey)
	if err != nil {
		return nil, err
	}
	if c.caCert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.ca, encode("CERTIFICATE", der), 0o644); err != nil {
		return nil, err
	}
	out, err := exec.Command("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", c.dh).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("openssl genpkey: %w\n%s", err, out)
	}
	return c, nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// named is a credential: self-signed "rsa", "rsa3072", "ec256", "ec384",
// "ec521", "ed25519" or "pss" (rsassaPss), or "chain": RSA, issued by the
// authority, which is sent along.
func (c *credentials) named(f *Farm, name string) credential {
	if made, ok := c.made[name]; ok {
		return made
	}
	base := f.path("cert-" + name)
	made := credential{name, base + ".pem", base + ".crt", base + ".key"}
	cert, key, err := c.make(name, made)
	if err != nil {
		f.fail(fmt.Errorf("certificate %s: %w", name, err))
	}
	f.write("cert-"+name+".crt", string(cert))
	f.write("cert-"+name+".key", string(key))
	f.write("cert-"+name+".pem", string(cert)+string(key))
	c.made[name] = made
	return made
}

func (c *credentials) make(name string, files credential) (cert, key []byte, err error) {
	if name == "pss" { // crypto/x509 makes none
		out, err := exec.Command("openssl", "req", "-x509", "-nodes", "-days", "365", "-subj", "/CN="+Host,
			"-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", "-keyout", files.key, "-out", files.cert).CombinedOutput()
		if err != nil {
			return nil, nil, fmt.Errorf("openssl req: %w\n%s", err, out)
		}
		if cert, err = os.ReadFile(files.cert); err == nil {
			key, err = os.ReadFile(files.key)
		}
		return cert, key, err
	}
	private, err := privateKey(name)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: Host}, DNSNames: []string{Host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	parent, signer, issuer := template, private, []byte(nil)
	if name == "chain" {
		parent, signer, issuer = c.caCert, c.caKey, encode("CERTIFICATE", c.caCert.Raw)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, private.Public(), signer)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	return append(encode("CERTIFICATE", der), issuer...), encode("PRIVATE KEY", pkcs8), err
}

func privateKey(name string) (crypto.Signer, error) {
	switch name {
	case "rsa", "chain":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "rsa3072":
		return rsa.GenerateKey(rand.Reader, 3072)
	case "ec256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ec384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ec521":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("unknown kind of credential")
}
