// Package problem is how every part of Loa tells a person that something cannot be done: a stable code
// for machines, one plain sentence with the next step in Vietnamese and in English for people, and the
// cause for the log. Packages of both programs return *Error; the hub's api and the agent's console turn
// it into an HTTP answer in one place. Values are immutable once made and safe for concurrent use.
package problem

import "fmt"

// Error is a refusal that a person will read.
type Error struct {
	Code   string // stable, UPPER_SNAKE, never reused for another meaning
	Status int    // HTTP status that fits it
	VI     string // Vietnamese: what is wrong and what to do next
	EN     string // English: the same
	Field  string // the input it is about, "" when it is about the whole request
	Err    error  // the cause, for the log only
}

// New makes an Error; vi and en each hold the sentence and the next step.
func New(code string, status int, vi, en string) *Error {
	return &Error{Code: code, Status: status, VI: vi, EN: en}
}

// Error is for logs: the code, the English sentence and the cause.
func (e *Error) Error() string {
	s := e.Code + ": " + e.EN
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	if e.Err != nil {
		s += fmt.Sprintf(": %v", e.Err)
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is compare by code, so that a copy with a cause or a field is still the same refusal.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With gives a copy that carries the cause.
func (e *Error) With(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// At gives a copy that names the input it is about.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}
