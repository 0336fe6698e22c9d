using GumbelGan.Training;
using TorchSharp;
using Xunit;

namespace GumbelGan.Tests.Training;

public sealed class LoadedPagesTests
{
    [Fact]
    public void Only_what_nobody_can_have_written_to_is_handed_back()
    {
        string[] smaps =
        [
            "55d0c0de0000-55d0c0df0000 r-xp 00000000 fe:00 11                         /usr/bin/program", "Rss:                  64 kB", "Anonymous:             0 kB",
            "7f0000000000-7f0000004000 r--p 00000000 fe:00 12                         /usr/lib/with a space/libtables.so.1.2", "Rss:                  16 kB", "Anonymous:             0 kB", "VmFlags: rd mr mw me sd",
            "7f0000004000-7f0000010000 r-xp 00004000 fe:00 12                         /usr/lib/libtext.so", "Rss:                  48 kB", "Anonymous:             0 kB",
            "7f0000010000-7f0000014000 r-xp 00010000 fe:00 12                         /usr/lib/librelocated-text.so", "Rss:                  16 kB", "Anonymous:             4 kB",
            "7f0000014000-7f0000018000 r--p 00014000 fe:00 12                         /usr/lib/librelro.so", "Rss:                  16 kB", "Anonymous:            16 kB",
            "7f0000018000-7f000001c000 rw-p 00018000 fe:00 12                         /usr/lib/libdata.so", "Rss:                   8 kB", "Anonymous:             0 kB",
            "7f000001c000-7f0000020000 r-xp 00000000 fe:00 12                         /usr/lib/libnever-touched.so", "Rss:                   0 kB", "Anonymous:             0 kB",
            "7f0000020000-7f0000024000 r--s 00000000 fe:00 13                         /usr/lib/locale/shared.so", "Rss:                  16 kB", "Anonymous:             0 kB",
            "7f0000024000-7f0000028000 r-xp 00000000 00:01 14                         /memfd:doublemapper (deleted)", "Rss:                  16 kB", "Anonymous:             0 kB",
            "7f0000028000-7f000002c000 rw-p 00000000 00:00 0                          [heap]", "Rss:                  16 kB", "Anonymous:            16 kB",
            "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]", "Rss:                   4 kB", "Anonymous:             0 kB",
        ];
        LoadedPages.Mapping[] mappings = [.. LoadedPages.Read(smaps)];
        Assert.Equal(11, mappings.Length);
        LoadedPages.Mapping[] untouched = [.. mappings.Where(mapping => mapping.IsUntouchedLibrary)];
        Assert.Equal(["/usr/lib/with a space/libtables.so.1.2", "/usr/lib/libtext.so"], untouched.Select(mapping => mapping.Path));
        Assert.Equal([0x7f0000000000, 0x4000, 16384], new[] { untouched[0].Start, untouched[0].Length, untouched[0].Resident });
    }

    [Fact]
    public void Everything_still_works_afterwards()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux tells of its mappings.");
        using DisposeScope scope = torch.NewDisposeScope();
        float before = torch.arange(1000).to(torch.ScalarType.Float32).view(20, 50).matmul(torch.ones([50, 3])).sum().item<float>();
        Assert.True(LoadedPages.HandBack() > 1 << 20);
        Assert.Equal(before, torch.arange(1000).to(torch.ScalarType.Float32).view(20, 50).matmul(torch.ones([50, 3])).sum().item<float>());
    }
}
