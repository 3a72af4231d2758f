//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gorilla/websocket"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/wire"
)

// bareFiles is the process of a websocket server that does nothing but what a hub's window asks of any: it sends a file in
// frames of half the window and waits for the acknowledgement of one before it sends the next but one. The file lies in memory, and nobody
// proves who they are. By TLS where there is a folder with a certificate.
func bareFiles(file, certificate string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(filepath.Join(certificate, "server.pem"), filepath.Join(certificate, "server-key.pem"))
		if err != nil {
			return err
		}
		listener = tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}})
	}
	up := websocket.Upgrader{ReadBufferSize: 512, WriteBufferSize: 512}
	web := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ws, err := up.Upgrade(w, r, nil); err == nil {
			go func() {
				defer ws.Close()
				for bareServe(ws, data) == nil {
				}
			}()
		}
	})}
	return web.Serve(listener)
}

// bareServe sends the file once to who says anything.
func bareServe(ws *websocket.Conn, data []byte) error {
	if _, _, err := ws.ReadMessage(); err != nil {
		return err
	}
	for sent, acked := 0, 0; acked < len(data); {
		for sent < len(data) && sent-acked <= wire.MaxWindow-wire.MaxChunk {
			frame := data[sent:min(sent+wire.MaxChunk, len(data))]
			if err := ws.WriteMessage(websocket.BinaryMessage, frame); err != nil {
				return err
			}
			sent += len(frame)
		}
		_, answer, err := ws.ReadMessage()
		if err != nil {
			return err
		}
		acked = int(binary.LittleEndian.Uint32(answer))
	}
	return nil
}

// startBare starts that process.
func startBare(ctx context.Context, file, certificate string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s, err := launch(ctx, true, self, "files", file, certificate)
	if err != nil {
		return nil, err
	}
	s.url = "ws://" + s.first
	if certificate != "" {
		s.url = "wss://" + s.first
	}
	return s, nil
}

// bareCustomers are connected to it.
func bareCustomers(ctx context.Context, url string, config *tls.Config) (all []*websocket.Conn, err error) {
	dial := websocket.Dialer{TLSClientConfig: config}
	for range fetchers {
		ws, answer, err := dial.DialContext(ctx, url, nil)
		if err != nil {
			return nil, err
		}
		if err := answer.Body.Close(); err != nil {
			return nil, err
		}
		all = append(all, ws)
	}
	return all, nil
}

// fromBare has websocket clients fetch the file.
func fromBare(ctx context.Context, bare *server, config *tls.Config, report rig.Report) (float64, error) {
	clients, err := bareCustomers(ctx, bare.url, config)
	if err != nil {
		return 0, err
	}
	defer func() {
		for _, ws := range clients {
			_ = ws.Close() // all was read
		}
	}()
	return perGB(bare.pid(), report.Size, func(i int) error { return bareGet(clients[i], report.Size, report.SHA256) })
}

// bareGet fetches the file and checks it.
func bareGet(ws *websocket.Conn, size int64, want string) error {
	if err := ws.WriteMessage(websocket.BinaryMessage, []byte{1}); err != nil {
		return err
	}
	sum := sha256.New()
	for have := 0; have < int(size); {
		_, frame, err := ws.ReadMessage()
		if err != nil {
			return err
		}
		sum.Write(frame)
		have += len(frame)
		if err := ws.WriteMessage(websocket.BinaryMessage, binary.LittleEndian.AppendUint32(nil, uint32(have))); err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return errors.New("the bare server's file has the hash " + got)
	}
	return nil
}
