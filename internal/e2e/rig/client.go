package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Client speaks the hub's REST API as one person.
type Client struct {
	Base  string // e.g. http://127.0.0.1:8080
	token string
}

// Refusal is an answer that is no success.
type Refusal struct {
	Status int
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Detail) }

// SignIn gives a client that acts as the person, by a token.
func SignIn(ctx context.Context, base, name, password string) (*Client, error) {
	body, err := json.Marshal(map[string]string{"name": name, "password": password})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/login", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := refusal(resp); err != nil {
		return nil, fmt.Errorf("sign in as %s: %w", name, err)
	}
	cookies := resp.Cookies()
	body, _ = json.Marshal(map[string]string{"label": "rig"})
	req, err = http.NewRequestWithContext(ctx, http.MethodPost, base+"/api/v1/tokens", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for _, c := range cookies {
		req.AddCookie(c)
	}
	c := &Client{Base: base}
	var out struct{ Token string }
	if err := c.do(req, &out); err != nil {
		return nil, fmt.Errorf("get a token for %s: %w", name, err)
	}
	c.token = out.Token
	return c, nil
}

// Call sends in as JSON and reads the answer into out; either may be nil. A *Refusal is no success.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+"/api/v1/"+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if err := c.do(req, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Upload sends a file as a new report and gives its id. The file is streamed.
func (c *Client) Upload(ctx context.Context, file string, fields map[string]string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		w.CloseWithError(func() error {
			for k, v := range fields {
				if err := form.WriteField(k, v); err != nil {
					return err
				}
			}
			part, err := form.CreateFormFile("audio", filepath.Base(file))
			if err != nil {
				return err
			}
			if _, err := io.Copy(part, f); err != nil {
				return err
			}
			return form.Close()
		}())
	}()
	defer r.Close() // ends the writer when the request ended early
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+"/api/v1/reports", r)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	var out struct{ ID string }
	if err := c.do(req, &out); err != nil {
		return "", fmt.Errorf("upload %s: %w", filepath.Base(file), err)
	}
	return out.ID, nil
}

// Download writes the body of a path to a file.
func (c *Client) Download(ctx context.Context, path, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Base+"/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := refusal(resp); err != nil {
		return fmt.Errorf("download %s: %w", path, err)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, resp.Body); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// Do sends a request as the person; the answer's body is the caller's to close.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Accept-Language", "en")
	return http.DefaultClient.Do(req)
}

func (c *Client) do(req *http.Request, out any) error {
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := refusal(resp); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func refusal(resp *http.Response) error {
	if resp.StatusCode < 300 {
		return nil
	}
	r := &Refusal{Status: resp.StatusCode}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(b, r) != nil || r.Code == "" {
		r.Detail = string(b)
	}
	return r
}

// Await asks until ok says yes, every 50 ms, and gives up with the last error or after the context's end.
func Await(ctx context.Context, what string, ok func(context.Context) (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		yes, err := ok(ctx)
		if yes && err == nil {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, errors.Join(ctx.Err(), last))
		case <-tick.C:
		}
	}
}

// Reachable tells whether a page answers 200.
func Reachable(ctx context.Context, address string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK, nil
}
