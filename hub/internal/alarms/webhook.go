package alarms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Webhook posts each notice as JSON, signed as Standard Webhooks 1.0.0 says (standardwebhooks.com): its id stays the same
// when it is sent again, so that the receiver can leave out what it has.
type Webhook struct {
	url    string
	secret []byte
	client *http.Client
	now    func() time.Time
}

const secretPrefix = "whsec_"

// NewWebhook takes the secret as the standard writes it: whsec_ and 24 to 64 bytes in base64.
func NewWebhook(address, secret string, now func() time.Time) (*Webhook, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(secret), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("a webhook's secret is " + secretPrefix + " and 24 to 64 bytes in base64")
	}
	return &Webhook{url: address, secret: key, now: now, client: &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (*Webhook) name() string { return "webhook" }

// to is the host alone: many receivers have a secret in their path.
func (h *Webhook) to() string {
	u, err := url.Parse(h.url)
	if err != nil {
		return ""
	}
	return u.Host
}

func (h *Webhook) send(ctx context.Context, notices []Notice) (done int, err error) {
	for i, n := range notices {
		if err := h.post(ctx, n); err != nil {
			return i, err
		}
	}
	return len(notices), nil
}

func (h *Webhook) post(ctx context.Context, n Notice) error {
	body, err := json.Marshal(map[string]any{"type": "alarm." + string(n.Say), "timestamp": n.At.UTC().Format(time.RFC3339), "data": n.Alarm})
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	at := strconv.FormatInt(h.now().Unix(), 10)
	mac := hmac.New(sha256.New, h.secret)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", n.ID, at, body) // a hash takes everything
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "loa-hub")
	r.Header.Set("webhook-id", n.ID)
	r.Header.Set("webhook-timestamp", at)
	r.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	resp, err := h.client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address, which may hold a secret
		}
		return fmt.Errorf("post to %s: %w", h.to(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("post to %s: %s", h.to(), resp.Status)
	}
	return nil
}
