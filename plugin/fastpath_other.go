//go:build !linux

package revmap

import (
	"errors"

	"github.com/coredns/caddy"
)

func (in *instance) setupFastpath(*caddy.Controller, string, *handler, int) error {
	return errors.New("fastpath works on Linux only: remove it")
}

func (in *instance) steer() {}
