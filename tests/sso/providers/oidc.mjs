// An OpenID Connect provider: anybody may sign in by name, without a password; what is said of them is put to /people.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.MODULES}/`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const { PORT, REDIRECT, LEAVE } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
let people = {};

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "gitslice",
      client_secret: "a-secret-of-the-tests-0123456789abcdef",
      redirect_uris: REDIRECT.split(" "),
      post_logout_redirect_uris: [LEAVE],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username", "groups"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ["tests"] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
});
const answer = provider.callback();

createServer((request, response) => {
  if (request.url !== "/people") return answer(request, response);
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    if (body) people = JSON.parse(body);
    response.end("ok");
  });
}).listen(Number(PORT), "127.0.0.1");
