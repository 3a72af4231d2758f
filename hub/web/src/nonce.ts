/** The nonce of this page's policy: style elements that scripts make must carry it. */
export const nonce = document.querySelector<HTMLElement>('[property="csp-nonce"]')?.nonce ?? '';
