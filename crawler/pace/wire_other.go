//go:build !linux

package pace

import (
	"errors"
	"fmt"
)

// Wire gives [errors.ErrUnsupported]: there is none on this system.
func (p *Pacer) Wire() (Wire, error) { return nil, fmt.Errorf("open wire: %w", errors.ErrUnsupported) }
