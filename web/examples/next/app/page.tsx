"use client";

import dynamic from "next/dynamic";

// Documents lie in the browser, so that there is nothing to render on the server.
const Editor = dynamic(() => import("./Editor"), { ssr: false });

export default function Page() {
  return <Editor />;
}
