/** @type {import("next").NextConfig} */
export default {
  // The server is another one than Next's.
  rewrites: async () => [{ source: "/api/:path*", destination: "http://127.0.0.1:7001/api/:path*" }],
};
