// An OpenID provider for the test network: oidc-provider, with HTTPS of the lab's authority. Whoever types an address
// into its form is that person; the password is not looked at. Access tokens are JWTs (RFC 9068) for the resource that
// was asked for (RFC 8707): https://mail.example/<variant>, where the variant says what is peculiar about the token.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { generateKeyPair, exportJWK } from 'jose';
import { Provider } from 'oidc-provider';

const FOLDER = '/etc/openid';
const KEYS = `${FOLDER}/keys.json`;
const issuer = readFileSync(`${FOLDER}/issuer`, 'utf8').trim();

async function freshKeys() {
  const keys = [];
  for (const alg of ['RS256', 'ES256']) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    keys.push({ ...(await exportJWK(privateKey)), alg, use: 'sig' });
  }
  return { keys };
}

if (!existsSync(KEYS)) writeFileSync(KEYS, JSON.stringify(await freshKeys()), { mode: 0o600 });

const VARIANTS = {
  '/mail': {},
  '/curve': { alg: 'ES256' },
  '/short': { ttl: 1 },
  '/other': { audience: 'https://calendar.example' },
  '/twice': { claims: { amr: ['pwd', 'otp', 'mfa'] } },
  '/unverified': { claims: { email_verified: false } },
  '/long': { claims: { groups: Array.from({ length: 150 }, (_, number) => `group-${number}-of-the-house`) } },
};

const provider = new Provider(issuer, {
  jwks: JSON.parse(readFileSync(KEYS, 'utf8')),
  cookies: { keys: ['of the test network'] },
  clients: [{
    client_id: 'mail-program',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: ['https://mail-program.example/done'],
  }],
  scopes: ['openid', 'mail', 'calendar'],
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: id }) }),
  extraTokenClaims: (ctx, token) => ({
    email: token.accountId,
    ...(VARIANTS[new URL(token.resourceServer.identifier()).pathname].claims ?? {}),
  }),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource) => {
        const { alg = 'RS256', ttl = 900, audience = 'https://mail.example' } = VARIANTS[new URL(resource).pathname];
        return { scope: 'mail calendar', audience, accessTokenTTL: ttl, accessTokenFormat: 'jwt', jwt: { sign: { alg } } };
      },
    },
  },
});

createServer({ cert: readFileSync(`${FOLDER}/chain.pem`), key: readFileSync(`${FOLDER}/key.pem`) }, provider.callback())
  .listen(443, '::');
