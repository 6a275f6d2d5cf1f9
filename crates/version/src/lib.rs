//! Version order and affected ranges, one scheme per ecosystem.
