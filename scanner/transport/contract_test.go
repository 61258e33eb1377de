package transport_test

import (
	"testing"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/transport"
	"github.com/hostkin/hostkin/scanner/transport/transporttest"
)

func TestContract(t *testing.T) {
	transporttest.Run(t, func(c transport.Config) conversation.Transport { return transport.New(c) })
}

// The sockets of systems other than Linux, here.
func TestContractOverNet(t *testing.T) {
	transporttest.Run(t, func(c transport.Config) conversation.Transport { return transport.NewOverNet(c) },
		transporttest.BannerThenReset)
}
