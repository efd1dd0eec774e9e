package serve

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// WritePair writes a certificate for 127.0.0.1 with a serial number, which is its time, too.
func WritePair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		setTime(t, path, serial)
	}
}

// setTime makes a file differ from its earlier state, however coarse the clock of the file system is.
func setTime(t *testing.T, path string, serial int64) {
	t.Helper()
	at := time.Unix(1767225600+serial, 0)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateRenewed(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := readCertificate(cert, key); err == nil || !strings.Contains(err.Error(), cert) {
		t.Errorf("no files: error %v", err)
	}
	WritePair(t, cert, key, 1)
	c, err := readCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	serial := func() int64 {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	c.renew(l)
	if serial() != 1 || log.Len() > 0 {
		t.Errorf("nothing has changed: certificate %d, log %s", serial(), log.String())
	}

	// Half of a pair is none, and is not told twice.
	if err := os.WriteFile(cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	setTime(t, cert, 2)
	c.renew(l)
	if serial() != 1 || !strings.Contains(log.String(), "stays") {
		t.Errorf("a broken file: certificate %d, log %s", serial(), log.String())
	}
	log.Reset()
	c.renew(l)
	if log.Len() > 0 {
		t.Errorf("told twice: %s", log.String())
	}

	WritePair(t, cert, key, 3)
	c.renew(l)
	if serial() != 3 {
		t.Errorf("certificate %d after the third was written; log %s", serial(), log.String())
	}
}
