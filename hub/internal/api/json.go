package api

import (
	"encoding/json"
	"io"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loa-vn/loa/hub/internal/api/body"
)

// formats is JSON alone, read strictly.
func formats() map[string]huma.Format {
	f := huma.Format{
		Marshal: func(w io.Writer, v any) error {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			return enc.Encode(v)
		},
		Unmarshal: body.Decode,
	}
	return map[string]huma.Format{"application/json": f, "json": f}
}
