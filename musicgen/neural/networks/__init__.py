"""Networks: layers made once and wired in several forms."""
