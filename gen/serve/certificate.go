package serve

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// A certificate is a pair of PEM files, of which the newest good state is used.
type certificate struct {
	cert, key string
	pair      atomic.Pointer[tls.Certificate]
	seen      [2]stamp // of the files when they were read last, good or not; for renew alone
}

// A stamp tells states of a file apart.
type stamp struct {
	time time.Time
	size int64
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// readCertificate returns the certificate in two files.
func readCertificate(cert, key string) (*certificate, error) {
	c := &certificate{cert: cert, key: key}
	return c, c.read()
}

func (c *certificate) stamps() [2]stamp { return [2]stamp{stampOf(c.cert), stampOf(c.key)} }

func (c *certificate) read() error {
	c.seen = c.stamps() // before: what changes while the files are read is read again
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read the certificate %s and its key %s: %w", c.cert, c.key, err)
	}
	c.pair.Store(&pair)
	return nil
}

// renew reads the files again if they have changed. If they are no good, the certificate stays.
func (c *certificate) renew(log *slog.Logger) {
	if c.stamps() == c.seen {
		return
	}
	if err := c.read(); err != nil {
		log.Error("the old certificate stays in use", "error", err)
		return
	}
	log.Info("there is a new certificate", "until", c.pair.Load().Leaf.NotAfter)
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }
