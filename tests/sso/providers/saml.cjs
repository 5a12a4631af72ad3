// A SAML identity provider: anybody may sign in by name, without a password. What is said of people, and how the provider
// misbehaves, is put to /people: {"people": {...}, "sp": {...}, "audience", "unasked", "key"}.
const { createRequire } = require("node:module");
const { inflateRawSync } = require("node:zlib");
const { readFileSync } = require("node:fs");

const modules = createRequire(`${process.env.MODULES}/`);
const express = modules("express");
const samlp = modules("samlp");
const SessionParticipants = modules("samlp/lib/sessionParticipants");

const { PORT, CERTIFICATE, KEY } = process.env;
const base = `http://127.0.0.1:${PORT}`;
const issuer = `${base}/metadata`;
const own = { cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) };
const MAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
let state = { people: {} };
let participants = [];

const escape = (text) => String(text ?? "").replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const hidden = (fields) =>
  Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`).join("");

// What the library asks of a mapper of people to claims.
function Mapper(person) {
  return {
    getClaims: () => ({ ...(person.email && { [MAIL]: person.email }), ...(person.groups && { groups: person.groups }) }),
    getNameIdentifier: () => ({
      nameIdentifier: person.id,
      nameIdentifierFormat: person.format || "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    }),
  };
}
Mapper.prototype.metadata = [];

const app = express();
app.use(express.json(), express.urlencoded({ extended: false }));
app.post("/people", (request, response) => {
  state = request.body;
  response.send("ok");
});
app.get("/metadata", samlp.metadata({
  issuer, cert: own.cert, profileMapper: Mapper, redirectEndpointPath: "/sso", postEndpointPath: "/sso",
  logoutEndpointPaths: { redirect: "/logout" },
}));
app.get("/sso", (request, response) => {
  response.send(`<form method="post" action="/sso">${hidden(request.query)}<input name="login"></form>`);
});
app.post("/sso", (request, response, next) => {
  const asked = inflateRawSync(Buffer.from(request.body.SAMLRequest, "base64")).toString();
  const person = { id: request.body.login, ...state.people[request.body.login] };
  const session = `session-${person.id}`;
  const config = {
    issuer, ...own, profileMapper: Mapper, signatureAlgorithm: "rsa-sha256", digestAlgorithm: "sha256",
    audience: state.audience || /<saml:Issuer>([^<]*)/.exec(asked)[1], recipient: state.sp.acs, destination: state.sp.acs,
    inResponseTo: state.unasked ? undefined : / ID="([^"]*)"/.exec(asked)[1], sessionIndex: session,
    ...(state.key && { key: state.key }), ...(state.unsigned && { signAssertion: false }),
  };
  participants = [{
    serviceProviderId: state.sp.entity, nameId: person.id, sessionIndex: session, serviceProviderLogoutURL: state.sp.sls,
    nameIdFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", cert: state.sp.certificate,
  }];
  samlp.getSamlResponse(config, person, (error, xml) => {
    if (error) return next(error);
    const fields = { SAMLResponse: Buffer.from(xml).toString("base64"), RelayState: request.body.RelayState };
    response.send(`<form method="post" action="${state.sp.acs}">${hidden(fields)}</form>`);
  });
});

const transactions = new Map();
const store = {
  save: (request, value, done) => { const id = String(transactions.size); transactions.set(id, value); done(null, id); },
  update: (request, id, value, done) => { transactions.set(id, value); done(null, id); },
  load: (request, id, options, done) => done(null, transactions.get(id)),
};
app.get("/logout", (request, response, next) => {
  samlp.logout({
    deflate: true, issuer, ...own, protocolBinding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
    sessionParticipants: new SessionParticipants(participants), store, clearIdPSession: (done) => done(),
  })(request, response, next);
});
app.get("/ready", (request, response) => response.send("ok"));
app.listen(Number(PORT), "127.0.0.1");
