# What scripts/cross-deps builds, and how: read by it. Each build_NAME runs in the unpacked source.
# The libraries for photos are archives that facet.exe contains; the others are DLLs beside it.
photo_libraries="zlib libjpeg-turbo libspng libwebp sqlite jansson utf8proc"
more_libraries="dav1d FFmpeg SDL2 libsodium libzip giflib libtiff libde265 libheif libcurl"
text_libraries="expat freetype fribidi harfbuzz fontconfig"

source_of() {
    case $1 in
    libspng) echo libspng ;;
    sqlite) echo sqlite3 ;;
    libtiff) echo tiff ;;
    libcurl) echo curl ;;
    SDL2) echo libsdl2 ;;
    FFmpeg) echo ffmpeg ;;
    *) echo "$1" ;;
    esac
}

license_of() {
    case $1 in
    zlib | SDL2) echo "zlib license" ;;
    libjpeg-turbo) echo "IJG, BSD 3-clause and zlib licenses" ;;
    libspng | dav1d) echo "BSD 2-clause license" ;;
    libwebp | libzip) echo "BSD 3-clause license" ;;
    sqlite) echo "public domain" ;;
    jansson | giflib | utf8proc | expat | harfbuzz | fontconfig) echo "MIT license" ;;
    freetype) echo "FreeType license" ;;
    fribidi) echo "LGPL 2.1" ;;
    libsodium) echo "ISC license" ;;
    libtiff) echo "libtiff license" ;;
    libde265 | libheif) echo "LGPL 3" ;;
    libcurl) echo "curl license" ;;
    FFmpeg) echo "LGPL 2.1" ;;
    esac
}

# Debian leaves zlib's files for Windows out.
build_zlib() {
    for file in adler32 compress crc32 deflate gzclose gzlib gzread gzwrite infback inffast inflate inftrees trees \
        uncompr zutil; do
        $host-gcc $CFLAGS -c "$file.c" -o "$file.o"
    done
    rm -f "$PREFIX/lib/libz.a"
    $host-gcc-ar rcsD "$PREFIX/lib/libz.a" ./*.o
    cp zlib.h zconf.h "$PREFIX/include"
    pkgconfig zlib 1.2.13 -lz
}

build_libjpeg_turbo() {
    with_cmake -DENABLE_SHARED=OFF -DWITH_TURBOJPEG=OFF -DWITH_JAVA=OFF -DCMAKE_INSTALL_LIBDIR="$PREFIX/lib"
}

build_libspng() {
    $host-gcc $CFLAGS -DSPNG_STATIC -c spng/spng.c -o spng.o
    $host-gcc-ar rcsD "$PREFIX/lib/libspng.a" spng.o
    cp spng/spng.h "$PREFIX/include"
    pkgconfig spng 0.7.3 "-lspng -lz" -DSPNG_STATIC
}

build_libwebp() {
    with_cmake -DBUILD_SHARED_LIBS=OFF -DWEBP_BUILD_ANIM_UTILS=OFF -DWEBP_BUILD_CWEBP=OFF -DWEBP_BUILD_DWEBP=OFF \
        -DWEBP_BUILD_GIF2WEBP=OFF -DWEBP_BUILD_IMG2WEBP=OFF -DWEBP_BUILD_VWEBP=OFF -DWEBP_BUILD_WEBPINFO=OFF \
        -DWEBP_BUILD_WEBPMUX=OFF -DWEBP_BUILD_EXTRAS=OFF
    sharp=$([ ! -f "$PREFIX/lib/libsharpyuv.a" ] || echo -lsharpyuv)
    pkgconfig libwebp 1.2.4 "-lwebp $sharp"
    pkgconfig libwebpdemux 1.2.4 "-lwebpdemux -lwebp $sharp"
}

# The one file that all of SQLite is put together into is made by programs of this machine.
build_sqlite() {
    CFLAGS=-O2 CPPFLAGS='' LDFLAGS='' ./configure --disable-tcl --disable-readline
    make sqlite3.c sqlite3.h
    $host-gcc $CFLAGS -DSQLITE_THREADSAFE=1 -DSQLITE_DQS=0 -DSQLITE_OMIT_LOAD_EXTENSION -c sqlite3.c -o sqlite3.win.o
    $host-gcc-ar rcsD "$PREFIX/lib/libsqlite3.a" sqlite3.win.o
    cp sqlite3.h sqlite3ext.h "$PREFIX/include"
    pkgconfig sqlite3 3.40.1 -lsqlite3
}

build_jansson() {
    with_cmake -DJANSSON_BUILD_SHARED_LIBS=OFF -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON \
        -DJANSSON_EXAMPLES=OFF
    pkgconfig jansson 2.14 -ljansson
}

build_utf8proc() {
    $host-gcc $CFLAGS -DUTF8PROC_STATIC -c utf8proc.c -o utf8proc.o
    $host-gcc-ar rcsD "$PREFIX/lib/libutf8proc.a" utf8proc.o
    cp utf8proc.h "$PREFIX/include"
    pkgconfig libutf8proc 2.8.0 -lutf8proc -DUTF8PROC_STATIC
}

build_libsodium() {
    [ -x configure ] || autoreconf -fi
    with_configure --disable-static --enable-shared
    pkgconfig libsodium 1.0.18 -lsodium
}

build_libzip() {
    with_cmake -DBUILD_SHARED_LIBS=ON -DENABLE_COMMONCRYPTO=OFF -DENABLE_GNUTLS=OFF -DENABLE_MBEDTLS=OFF \
        -DENABLE_OPENSSL=OFF -DENABLE_WINDOWS_CRYPTO=OFF -DENABLE_BZIP2=OFF -DENABLE_LZMA=OFF -DENABLE_ZSTD=OFF \
        -DBUILD_TOOLS=OFF -DBUILD_REGRESS=OFF -DBUILD_EXAMPLES=OFF -DBUILD_DOC=OFF
    pkgconfig libzip 1.7.3 -lzip
}

build_giflib() {
    $host-gcc $CFLAGS $LDFLAGS -shared -o "$PREFIX/bin/libgif-7.dll" dgif_lib.c egif_lib.c gifalloc.c gif_err.c \
        gif_font.c gif_hash.c openbsd-reallocarray.c
    cp gif_lib.h "$PREFIX/include"
}

build_libtiff() {
    with_cmake -DBUILD_SHARED_LIBS=ON -Dtiff-tools=OFF -Dtiff-tests=OFF -Dtiff-contrib=OFF -Dtiff-docs=OFF -Djbig=OFF \
        -Dlerc=OFF -Dlibdeflate=OFF -Dlzma=OFF -Dwebp=OFF -Dzstd=OFF -Dcxx=OFF
    [ -f "$PREFIX/bin/libtiff-6.dll" ] || cp "$PREFIX/bin/libtiff.dll" "$PREFIX/bin/libtiff-6.dll"
    pkgconfig libtiff-4 4.5.0 -ltiff
}

# Photos in AV1 (AVIF) and videos; inside the DLLs of libheif and FFmpeg.
build_dav1d() {
    with_meson --default-library static -Denable_tools=false -Denable_tests=false
}

build_libde265() {
    with_cmake -DBUILD_SHARED_LIBS=OFF -DENABLE_SDL=OFF -DENABLE_DECODER=OFF -DENABLE_ENCODER=OFF
    pkgconfig libde265 1.0.11 "-lde265 -lstdc++" -DLIBDE265_STATIC_BUILD
}

# libde265, dav1d and the C++ library are inside the DLL.
build_libheif() {
    LDFLAGS="$LDFLAGS -static -static-libstdc++" CXXFLAGS="$CXXFLAGS -DLIBDE265_STATIC_BUILD" \
        with_cmake -DBUILD_SHARED_LIBS=ON -DWITH_EXAMPLES=OFF -DENABLE_PLUGIN_LOADING=OFF -DWITH_AOM=OFF \
        -DWITH_AOM_DECODER=OFF -DWITH_AOM_ENCODER=OFF -DWITH_X265=OFF -DWITH_DAV1D=ON -DWITH_RAV1E=OFF \
        -DWITH_SvtEnc=OFF -DWITH_LIBDE265=ON -DBUILD_TESTING=OFF
    pkgconfig libheif 1.15.1 -lheif
}

# HTTP and HTTPS with the certificates of Windows.
build_libcurl() {
    with_cmake -DBUILD_SHARED_LIBS=ON -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DENABLE_MANUAL=OFF -DHTTP_ONLY=ON \
        -DCURL_USE_SCHANNEL=ON -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF \
        -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF -DENABLE_UNICODE=ON
    pkgconfig libcurl 7.88.1 -lcurl
}

# Inside the DLL of fontconfig. Debian's patches want numbers where the build of its own defines names alone.
build_expat() {
    printf '#define XML_%s 1\n' NS DTD GE >expat_config.h
    printf '#define XML_CONTEXT_BYTES 1024\n#define BYTEORDER 1234\n#define HAVE_MEMMOVE 1\n' >>expat_config.h
    for file in xmlparse xmlrole xmltok; do
        $host-gcc $CFLAGS -DXML_STATIC -DHAVE_EXPAT_CONFIG_H -I. -c "expat/lib/$file.c" -o "$file.o"
    done
    $host-gcc-ar rcsD "$PREFIX/lib/libexpat.a" xmlparse.o xmlrole.o xmltok.o
    cp expat/lib/expat.h expat/lib/expat_external.h "$PREFIX/include"
    pkgconfig expat 2.5.0 -lexpat -DXML_STATIC
}

build_freetype() {
    with_meson --default-library shared -Dbrotli=disabled -Dbzip2=disabled -Dharfbuzz=disabled -Dpng=disabled \
        -Dtests=disabled -Dzlib=disabled
}

build_fribidi() {
    with_meson --default-library shared -Ddocs=false
}

# The C++ library is inside the DLL.
build_harfbuzz() {
    LDFLAGS="$LDFLAGS -static -static-libstdc++" \
        with_meson --default-library shared -Dfreetype=enabled -Dglib=disabled -Dgobject=disabled -Dcairo=disabled \
        -Dchafa=disabled -Dicu=disabled -Dgraphite=disabled -Dintrospection=disabled -Dtests=disabled \
        -Ddocs=disabled -Dbenchmark=disabled
    rm -f "$PREFIX/bin/libharfbuzz-subset-0.dll" # which cuts fonts down
}

# src/image/shape.c tells it where Windows has its fonts.
build_fontconfig() {
    with_meson --default-library shared -Ddoc=disabled -Dnls=disabled -Dtests=disabled -Dtools=disabled \
        -Dcache-build=disabled
}

# A window and its keys, no sound and no games' hardware.
build_SDL2() {
    with_cmake -DSDL_SHARED=ON -DSDL_STATIC=OFF -DSDL_TEST=OFF -DSDL_AUDIO=OFF -DSDL_JOYSTICK=OFF -DSDL_HAPTIC=OFF \
        -DSDL_HIDAPI=OFF -DSDL_SENSOR=OFF -DSDL_POWER=OFF -DSDL_VULKAN=OFF -DSDL2_DISABLE_SDL2MAIN=ON
    pkgconfig sdl2 2.26.5 -lSDL2 -I"$PREFIX/include/SDL2"
}

# What facet asks FFmpeg for: files of cameras, phones and the web, streams, cameras by DirectShow, and MP4 files in
# MPEG-4. Some decoders of sound are there because only they tell that a stream has all its tracks. Nothing of it is
# under the GPL.
ffmpeg_demuxers=mov,matroska,avi,mpegts,mpegps,mpegvideo,h264,hevc,flv,asf,hls,rtsp,rtp,sdp,mjpeg,mpjpeg,gif,ogg,mxf
ffmpeg_decoders=h264,hevc,libdav1d,mpeg4,mpeg1video,mpeg2video,vp8,vp9,mjpeg,rawvideo,msmpeg4v1,msmpeg4v2,msmpeg4v3
ffmpeg_decoders=$ffmpeg_decoders,wmv1,wmv2,wmv3,vc1,h263,flv,theora,gif,png,prores,dnxhd,huffyuv,ffv1,dvvideo
ffmpeg_decoders=$ffmpeg_decoders,aac,mp2,mp3,ac3
ffmpeg_protocols=file,http,https,httpproxy,tls,tcp,udp,rtp,srtp,rtmp,rtmps,crypto,data,hls
ffmpeg_parsers=h264,hevc,av1,mpeg4video,mpegvideo,vp8,vp9,mjpeg,h263,vc1,png,gif,aac,mpegaudio,ac3

build_FFmpeg() {
    ./configure --cross-prefix=$host- --arch=x86_64 --target-os=mingw32 --prefix="$PREFIX" --enable-shared \
        --disable-static --disable-programs --disable-doc --disable-debug --disable-everything --disable-autodetect \
        --enable-schannel --enable-zlib --enable-w32threads --disable-postproc --disable-avfilter --enable-libdav1d \
        --pkg-config=pkg-config --pkg-config-flags=--static --extra-cflags="$CFLAGS" --extra-ldflags="$LDFLAGS" \
        --enable-indev=dshow --enable-encoder=mpeg4,mjpeg,rawvideo --enable-muxer=mp4,mov,matroska,avi,mpegts \
        --enable-protocol=$ffmpeg_protocols --enable-demuxer=$ffmpeg_demuxers --enable-decoder=$ffmpeg_decoders \
        --enable-parser=$ffmpeg_parsers --enable-bsf=h264_mp4toannexb,hevc_mp4toannexb,extract_extradata
    make -j "$jobs" V=0
    make install-libs install-headers
}
