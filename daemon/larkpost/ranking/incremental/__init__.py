"""What training updates by the votes that changed, instead of computing it anew."""
