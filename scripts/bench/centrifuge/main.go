// Command centrifuge serves the centrifuge library to those who subscribe to the channel "all", and publishes 300 bytes to
// it for each line on its standard input.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "centrifuge:", err)
		os.Exit(1)
	}
}

func run() error {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:   &centrifuge.Credentials{},
			Subscriptions: map[string]centrifuge.SubscribeOptions{"all": {}},
		}, nil
	})
	if err := node.Run(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	handler := centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		ReadBufferSize: 512, UseWriteBufferPool: true, CheckOrigin: func(*http.Request) bool { return true },
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	fmt.Println(listener.Addr())
	words := []byte(`"` + strings.Repeat("x", 298) + `"`)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if _, err := node.Publish("all", words); err != nil {
			return err
		}
	}
	return nil
}
