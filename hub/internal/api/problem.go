package api

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/text/language"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/api/body"
	"github.com/loa-vn/loa/internal/problem"
)

// Problem is every answer that is no success (RFC 9457), with the code and both languages.
type Problem struct {
	Type    string       `json:"type" doc:"urn:loa:problem: and the code"`
	Title   string       `json:"title" doc:"the HTTP status in words"`
	Status  int          `json:"status"`
	Detail  string       `json:"detail" doc:"what is wrong and what to do next, in the language of Accept-Language (vi when none)"`
	Code    string       `json:"code" doc:"stable, for programs" example:"SELF_APPROVAL"`
	VI      string       `json:"vi" doc:"detail in Vietnamese"`
	EN      string       `json:"en" doc:"detail in English"`
	Errors  []FieldError `json:"errors,omitempty" doc:"the inputs it is about"`
	Request string       `json:"request_id,omitempty" doc:"to be told to whoever reads the hub's log"`

	after time.Duration // in which asking again is of no use
}

// FieldError names one input that is wrong.
type FieldError struct {
	Field   string `json:"field" example:"dayparts[0].start"`
	Message string `json:"message,omitempty"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.EN }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="loa"`)
	}
	if p.after > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.after+time.Second-1)/time.Second), 10))
	}
	return h
}

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// problemOf is the one place where an error becomes an answer. What is no *problem.Error is the hub's own
// fault: its cause goes to the log, the answer has only the number under which it is found there.
func (s *Server) problemOf(ctx context.Context, err error) *Problem {
	var done *Problem
	if errors.As(err, &done) {
		return done
	}
	var p *problem.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &tooLarge):
		p = errBodyTooLarge
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		p = errGone.With(err)
	default:
		p = errInternal.With(err)
	}
	if p.Status >= 500 {
		s.Log.ErrorContext(ctx, "request failed", "code", p.Code, "request", requestID(ctx), "err", err)
	}
	out := answer(ctx, p)
	var wait *accounts.WaitError
	if errors.As(err, &wait) {
		out.after = wait.After
	} else if p.Status == http.StatusServiceUnavailable {
		out.after = busyTime
	}
	return out
}

// busyTime is when to ask a hub again that could not answer.
const busyTime = 5 * time.Second

func answer(ctx context.Context, p *problem.Error) *Problem {
	out := &Problem{Type: "urn:loa:problem:" + p.Code, Title: http.StatusText(p.Status), Status: p.Status,
		Detail: p.VI, Code: p.Code, VI: p.VI, EN: p.EN}
	if english(ctx) {
		out.Detail = p.EN
	}
	if p.Field != "" {
		out.Errors = []FieldError{{Field: p.Field}}
	}
	if p.Status >= 500 {
		out.Request = requestID(ctx)
	}
	return out
}

// write sends a problem from outside the operations: unknown routes, refused origins, panics.
func (s *Server) write(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problemOf(r.Context(), err)
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(p) // whoever asked is gone when this fails
	}
}

// translate is a huma transformer: it turns the library's own errors, all about the form of a request, into
// problems. The body that was sent is not repeated in the answer.
func (s *Server) translate(hc huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	ctx := hc.Context()
	var base *problem.Error
	switch m.Status {
	case http.StatusBadRequest:
		base = errJSON
	case http.StatusRequestEntityTooLarge:
		base = errBodyTooLarge
	case http.StatusUnsupportedMediaType:
		base = errMediaType
	case http.StatusUnprocessableEntity:
		base = errValidation
	case http.StatusNotAcceptable:
		base = errNotAcceptable
	case http.StatusRequestTimeout:
		base = errSlow
	default:
		base = errInternal
		s.Log.ErrorContext(ctx, "request failed", "code", base.Code, "request", requestID(ctx), "err", m.Detail)
	}
	p := answer(ctx, base)
	p.Status, p.Title = m.Status, http.StatusText(m.Status) // the status line is already decided
	if base == errInternal {
		return p, nil
	}
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, fieldError(e))
	}
	return p, nil
}

// fieldError names the input where people look for it: in the library's words a missing property is an error of
// the object around it.
func fieldError(e *huma.ErrorDetail) FieldError {
	field, message := strings.TrimPrefix(strings.TrimPrefix(e.Location, "body."), "query."), e.Message
	if name, ok := strings.CutPrefix(message, "expected required property "); ok {
		if name, ok = strings.CutSuffix(name, " to be present"); ok {
			field, message = strings.TrimPrefix(field+"."+name, "body."), "is missing"
		}
	}
	if place, text, ok := strings.Cut(message, body.PlaceMark); ok {
		field, message = place, text
	}
	return FieldError{Field: field, Message: message}
}

// languages: the first is what is spoken without a wish.
var languages = language.NewMatcher([]language.Tag{language.Vietnamese, language.English})

func english(ctx context.Context) bool {
	r, _ := ctx.Value(requestKey{}).(*requestInfo)
	return r != nil && r.english
}

func wantsEnglish(header string) bool {
	tag, _ := language.MatchStrings(languages, header)
	base, _ := tag.Base()
	return base.String() == "en"
}

// What the api itself refuses. The values are never changed; With and At give copies.
var (
	errInternal = problem.New("INTERNAL", 500,
		"Máy chủ gặp lỗi. Hãy thử lại; nếu vẫn lỗi, báo cho quản trị viên mã yêu cầu này.",
		"The hub failed. Try again; if it fails again, tell its admin this request id.")
	errGone = problem.New("REQUEST_GONE", 499,
		"Kết nối đã đóng trước khi trả lời. Hãy thử lại.",
		"The connection was closed before the answer. Try again.")
	errNotFound = problem.New("NOT_FOUND", 404,
		"Không có địa chỉ này. Xem danh sách tại /api/v1/openapi.json.",
		"There is nothing at this address. See /api/v1/openapi.json for what there is.")
	errAddress = problem.New("ADDRESS_INVALID", 400,
		"Địa chỉ yêu cầu có ký tự không hợp lệ. Hãy mã hóa địa chỉ theo UTF-8, không có ký tự NUL.",
		"The address has characters that cannot be. Encode it as UTF-8, without NUL.")
	errMethod = problem.New("METHOD_NOT_ALLOWED", 405,
		"Địa chỉ này không nhận phương thức đó. Xem tiêu đề Allow.",
		"This address does not take that method. The header Allow has those it takes.")
	errValidation = problem.New("VALIDATION", 422,
		"Có mục thiếu hoặc không hợp lệ. Hãy sửa các mục được nêu.",
		"Something is missing or not valid. Correct the inputs named.")
	errJSON = problem.New("JSON_INVALID", 400,
		"Nội dung không phải JSON hợp lệ. Hãy kiểm tra dấu ngoặc, khóa trùng, bảng mã UTF-8 và ký tự NUL.",
		"The body is not valid JSON. Check brackets, double keys, numbers, UTF-8 and NULs.")
	errBodyTooLarge = problem.New("BODY_TOO_LARGE", 413,
		"Nội dung gửi quá lớn. Hãy gửi ít hơn 1 MiB (tệp âm thanh: 2 GiB).",
		"The body is too large. Send less than 1 MiB (audio: 2 GiB).")
	errMediaType = problem.New("MEDIA_TYPE", 415,
		"Kiểu nội dung không đúng. Hãy gửi application/json, hoặc multipart/form-data khi tải tệp.",
		"The content type is wrong. Send application/json, or multipart/form-data for an upload.")
	errNotAcceptable = problem.New("NOT_ACCEPTABLE", 406,
		"Máy chủ chỉ trả lời bằng JSON. Hãy bỏ tiêu đề Accept.",
		"The hub answers in JSON alone. Leave out the header Accept.")
	errSlow = problem.New("REQUEST_SLOW", 408,
		"Dữ liệu đến quá chậm. Hãy kiểm tra đường truyền rồi thử lại.",
		"The request came too slowly. Check the line and try again.")
	errForbidden = problem.New("FORBIDDEN", 403,
		"Vai trò của bạn không được làm việc này. Hãy nhờ người có quyền.",
		"Your role does not allow this. Ask somebody who may.")
	errForeignArea = problem.New("FOREIGN_AREA", 403,
		"Địa bàn này không thuộc phạm vi của bạn. Hãy nhờ cán bộ phụ trách địa bàn đó.",
		"This area is not among yours. Ask an officer who answers for it.")
	errCrossOrigin = problem.New("CROSS_ORIGIN", 403,
		"Yêu cầu đến từ một trang khác nên bị từ chối. Hãy mở trang của máy chủ rồi làm lại.",
		"The request came from another site's page and was refused. Open the hub's own page and repeat it.")
	errStale = problem.New("STALE_VERSION", 412,
		"Nội dung vừa được người khác sửa. Hãy tải lại trang rồi làm lại.",
		"Somebody changed this meanwhile. Load it again, then repeat your change.")
	errCursor = problem.New("CURSOR_INVALID", 422,
		"Dấu trang không hợp lệ. Hãy mở lại danh sách từ đầu.",
		"This page mark is not valid. Start the list again.").At("cursor")
	errTime = problem.New("TIME_INVALID", 422,
		"Thời điểm không hợp lệ. Hãy ghi như 2026-11-24T05:30:00+07:00, từ năm 2000 đến năm 2200.",
		"This is not a time. Write it like 2026-11-24T05:30:00+07:00, of the years 2000 to 2200.")
	errTokenExpiry = problem.New("TOKEN_EXPIRED", 422,
		"Thời hạn của mã truy cập đã qua. Hãy chọn ngày sau hôm nay.",
		"The token would have ended already. Choose a time to come.").At("expires_at")
	errRepeat = problem.New("PASSWORD_REPEAT", 422,
		"Hai lần nhập mật khẩu không giống nhau. Hãy nhập lại cả hai.",
		"The two passwords differ. Type both again.").At("again")
	errAudioPart = problem.New("AUDIO_REQUIRED", 422,
		"Chưa có tệp âm thanh. Hãy gửi tệp trong phần audio của biểu mẫu.",
		"There is no audio. Send the file as the form's part audio.").At("audio")
	errMultipart = problem.New("MULTIPART_INVALID", 400,
		"Biểu mẫu tải lên bị hỏng hoặc có quá nhiều phần. Hãy tải lên lại.",
		"The upload form is broken or has too many parts. Upload again.")
	errNotReady = problem.New("NOT_READY", 503,
		"Máy chủ chưa sẵn sàng: cơ sở dữ liệu hoặc kho tệp không trả lời. Hãy thử lại sau.",
		"The hub is not ready: its database or its blobs do not answer. Try again later.")
	errNoAudio = problem.New("AUDIO_NOT_READY", 409,
		"Phóng sự chưa có âm thanh. Hãy chờ xử lý xong.",
		"The report has no audio yet. Wait until it is processed.")
)
