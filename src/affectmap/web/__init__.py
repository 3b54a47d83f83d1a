"""What every web application of the package needs: settings, who is let in, reading requests, refusing, listening."""
