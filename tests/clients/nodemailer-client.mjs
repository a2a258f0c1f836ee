// Submits one newsletter: node nodemailer-client.mjs HOST PORT USER PASSWORD CA-FILE TO...
import { readFileSync } from 'node:fs';
import nodemailer from 'nodemailer';

const [host, port, user, pass, ca, ...to] = process.argv.slice(2);
const transport = nodemailer.createTransport({
  host, port: Number(port), requireTLS: true, auth: { user, pass },
  tls: { ca: readFileSync(ca), servername: 'localhost' },
});
const info = await transport.sendMail({
  from: 'De Winkel <nieuws@shop.example>', to,
  subject: 'Vers brood', text: 'Het brood is vers.', html: '<p>Het brood is <b>vers</b>.</p>',
});
console.log(info.response);
transport.close();
