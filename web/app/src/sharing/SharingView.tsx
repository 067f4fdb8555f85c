export default function Stub(_: { id?: string | undefined }) { return <p>stub</p>; }
