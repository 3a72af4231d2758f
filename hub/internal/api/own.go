package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

// The person's own means to sign in: password, one-time codes, tokens.

type passwordInput struct {
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"1024" doc:"the present one"`
		OTP      string `json:"otp,omitempty" maxLength:"32" doc:"where one-time codes are asked for"`
		New      string `json:"new" minLength:"1" maxLength:"1024"`
	}
}

type proofInput struct {
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"1024"`
		OTP      string `json:"otp,omitempty" maxLength:"32" doc:"where one-time codes are asked for"`
	}
}

type enrolmentOutput struct{ Body accounts.Enrolment }

type confirmOTPInput struct {
	Body struct {
		OTP string `json:"otp" minLength:"1" maxLength:"32" doc:"what the phone shows"`
	}
}

type recoveryOutput struct {
	Body struct {
		Codes []string `json:"recovery_codes" nullable:"false" doc:"shown once; each signs in once, in the place of a one-time code"`
	}
}

type tokenInput struct {
	Body struct {
		Label   string            `json:"label" minLength:"1" maxLength:"100" doc:"what it is for"`
		Expires *time.Time        `json:"expires_at,omitempty" doc:"never when left out"`
		Scope   []accounts.Action `json:"scope,omitempty" maxItems:"16" enum:"view,author,approve,withdraw,decide,manage,people,audit" doc:"all that the person may when left out"`
	}
}

type tokenOutput struct {
	Body struct {
		Token string `json:"token" doc:"shown once: Authorization: Bearer …"`
	}
}

func (s *Server) ownRoutes() {
	register(s, op("change-password", http.MethodPost, "/me/password", "Change the password; every other session ends"), s.changePassword)
	register(s, op("enrol-otp", http.MethodPost, "/me/otp", "Begin one-time codes (TOTP): the secret for a phone"), s.enrolOTP)
	register(s, op("confirm-otp", http.MethodPost, "/me/otp/confirm", "End the enrolment by the first code, and get recovery codes"), s.confirmOTP)
	register(s, op("remove-otp", http.MethodPost, "/me/otp/remove", "Do without one-time codes again"), s.removeOTP)
	register(s, op("renew-recovery", http.MethodPost, "/me/otp/recovery", "Get new recovery codes; the old ones end"), s.renewRecovery)
	register(s, created(op("create-token", http.MethodPost, "/tokens", "Make a token that acts as this person")), s.createToken)
	register(s, op("list-tokens", http.MethodGet, "/tokens", "The person's tokens"), s.listTokens)
	register(s, op("revoke-token", http.MethodDelete, "/tokens/{id}", "End a token"), s.revokeToken)
}

// proof is what a person sends to show that it is really them.
func proof(ctx context.Context, password, otp string) accounts.Attempt {
	return accounts.Attempt{Password: password, OTP: otp, From: info(ctx).origin}
}

func (s *Server) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	p, err := s.Accounts.ChangePassword(ctx, who(ctx).ID, proof(ctx, in.Body.Password, in.Body.OTP), in.Body.New, by(ctx))
	if err != nil || caller(ctx).Token != "" {
		return nil, err
	}
	return nil, s.beginSession(ctx, p)
}

func (s *Server) enrolOTP(ctx context.Context, in *proofInput) (*enrolmentOutput, error) {
	e, err := s.Accounts.EnrolTOTP(ctx, who(ctx).ID, proof(ctx, in.Body.Password, in.Body.OTP))
	return &enrolmentOutput{e}, err
}

func (s *Server) confirmOTP(ctx context.Context, in *confirmOTPInput) (*recoveryOutput, error) {
	out := &recoveryOutput{}
	var err error
	out.Body.Codes, err = s.Accounts.ConfirmTOTP(ctx, who(ctx).ID, in.Body.OTP, by(ctx))
	return out, err
}

func (s *Server) removeOTP(ctx context.Context, in *proofInput) (*struct{}, error) {
	return nil, s.Accounts.RemoveTOTP(ctx, who(ctx).ID, proof(ctx, in.Body.Password, in.Body.OTP), by(ctx))
}

func (s *Server) renewRecovery(ctx context.Context, in *proofInput) (*recoveryOutput, error) {
	out := &recoveryOutput{}
	var err error
	out.Body.Codes, err = s.Accounts.RenewRecovery(ctx, who(ctx).ID, proof(ctx, in.Body.Password, in.Body.OTP), by(ctx))
	return out, err
}

func (s *Server) createToken(ctx context.Context, in *tokenInput) (*tokenOutput, error) {
	t := accounts.Token{Label: strings.TrimSpace(in.Body.Label), Scope: in.Body.Scope}
	if in.Body.Expires != nil {
		switch t.Expires = *in.Body.Expires; {
		case !t.Expires.After(s.Now()):
			return nil, errTokenExpiry
		case s.far(t.Expires):
			return nil, errTime.At("expires_at")
		}
	}
	secret, err := s.Accounts.NewToken(ctx, caller(ctx), t)
	if err != nil {
		return nil, err
	}
	out := &tokenOutput{}
	out.Body.Token = secret
	p := who(ctx)
	return out, s.audit(ctx, change{action: "token.create", subject: p.ID, area: p.Area, after: in.Body})
}

func (s *Server) listTokens(ctx context.Context, _ *struct{}) (*pageOutput[accounts.Token], error) {
	tokens, err := s.Accounts.Tokens(ctx, who(ctx).ID)
	if err != nil {
		return nil, err
	}
	return paged(tokens, ""), nil
}

func (s *Server) revokeToken(ctx context.Context, in *IDInput) (*struct{}, error) {
	return nil, s.Accounts.Revoke(ctx, who(ctx).ID, in.ID, by(ctx))
}
