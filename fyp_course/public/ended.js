// Says when the visitor's kernel has ended, and takes the page out of use: without a kernel no
// button does anything. Voila writes the kernel's id and the server's address into the page.
(() => {
  const EVERY = 5000; // milliseconds between looks
  const PATIENCE = 3; // looks without an answer before the server counts as gone
  const config = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  const address = `${config.baseUrl}api/kernels/${config.kernelId}`;
  const notice = document.getElementById("fyp-ended");
  document.body.append(notice); // out of what is taken out of use
  notice.querySelector("button").onclick = () => location.reload();
  let unanswered = 0;

  const end = () => {
    clearInterval(timer);
    for (const part of document.body.children) {
      if (part !== notice) {
        part.inert = true;
        part.style.opacity = 0.4;
      }
    }
    notice.hidden = false;
    notice.querySelector("button").focus();
  };

  const look = async () => {
    // Asking for the kernel does not count as use of it.
    const status = await fetch(address, { cache: "no-store" }).then((a) => a.status, () => 0);
    unanswered = status === 200 ? 0 : unanswered + 1;
    if (status === 404 || unanswered >= PATIENCE) end();
  };

  const timer = setInterval(look, EVERY);
})();
