using GumbelGan.Storage;
using Xunit;

namespace GumbelGan.Tests.Storage;

public sealed class AtomicFileTests
{
    private static readonly byte[] _old = [1, 2, 3];
    private static readonly byte[] _new = [.. Enumerable.Range(0, 300).Select(number => (byte)number)];

    [Fact]
    public void A_disk_that_fills_up_at_any_byte_leaves_the_previous_file_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        string path = folder["state.json"];
        File.WriteAllBytes(path, _old);
        for (int limit = 0; limit < _new.Length; limit++)
        {
            var failure = Assert.Throws<UserMistakeException>(() => AtomicFile.WriteAllBytes(path, _new, new FailingMedium(bytes: limit)));
            Assert.Contains("disk is full", failure.Message, StringComparison.Ordinal);
            Assert.Equal(_old, File.ReadAllBytes(path));
            Assert.Equal(["state.json"], folder.Names);
        }

        AtomicFile.WriteAllBytes(path, _new, new FailingMedium(bytes: _new.Length));
        Assert.Equal(_new, File.ReadAllBytes(path));
        Assert.Equal(["state.json"], folder.Names);
    }

    [Fact]
    public void A_failure_of_any_operation_leaves_the_old_file_or_the_new_one_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        var counting = new FailingMedium();
        AtomicFile.WriteAllBytes(folder["counted"], _new, counting);
        Assert.Equal(4, counting.Operations); // open, persist, rename, persist folder
        File.Delete(folder["counted"]);
        for (int operation = 0; operation < counting.Operations; operation++)
        {
            File.WriteAllBytes(folder["file"], _old);
            Assert.Throws<UserMistakeException>(() => AtomicFile.WriteAllBytes(folder["file"], _new, new FailingMedium(operation: operation)));
            Assert.Equal(operation == 3 ? _new : _old, File.ReadAllBytes(folder["file"]));
            Assert.Equal(["file"], folder.Names);
        }
    }

    [Fact]
    public void An_exception_of_the_writer_travels_on_and_leaves_the_previous_file()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["file"], _old);
        Assert.Throws<ArithmeticException>(() => AtomicFile.Write(folder["file"], stream =>
        {
            stream.WriteByte(9);
            throw new ArithmeticException();
        }));
        Assert.Equal(_old, File.ReadAllBytes(folder["file"]));
        Assert.Equal(["file"], folder.Names);
    }

    [Fact]
    public void Text_is_UTF8_without_a_byte_order_mark()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.WriteAllText(folder["text"], "tä\n");
        Assert.Equal([0x74, 0xC3, 0xA4, 0x0A], File.ReadAllBytes(folder["text"]));
    }

    [Fact]
    public void A_folder_that_has_vanished_is_named_in_one_sentence()
    {
        using var folder = new TemporaryFolder();
        var failure = Assert.Throws<UserMistakeException>(() => AtomicFile.WriteAllText(Path.Combine(folder["gone"], "file"), "text"));
        Assert.Contains("folder does not exist", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void A_folder_in_the_place_of_the_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["taken"]);
        var failure = Assert.Throws<UserMistakeException>(() => AtomicFile.WriteAllText(folder["taken"], "text"));
        Assert.Contains("is a folder", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["taken"], folder.Names);
    }

    [Fact]
    public void A_read_only_file_system_gives_one_sentence()
    {
        if (!Directory.Exists("/proc/self"))
        {
            Assert.Skip("Only Linux has a folder that even root cannot write to.");
        }

        Assert.Throws<UserMistakeException>(() => AtomicFile.WriteAllText("/proc/self/gumbelgan", "text"));
    }

    [Fact]
    public void A_symbolic_link_stays_and_the_file_that_it_names_is_replaced()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["real"], _old);
        File.CreateSymbolicLink(folder["link"], folder["real"]);
        AtomicFile.WriteAllBytes(folder["link"], _new);
        Assert.Equal(folder["real"], File.ResolveLinkTarget(folder["link"], returnFinalTarget: true)!.FullName);
        Assert.Equal(_new, File.ReadAllBytes(folder["real"]));
    }

    [Fact]
    public void A_device_is_written_through_and_stays_a_device()
    {
        if (!File.Exists("/dev/null"))
        {
            Assert.Skip("This system has no /dev/null.");
        }

        AtomicFile.WriteAllText("/dev/null", "text");
        Assert.Empty(File.ReadAllBytes("/dev/null"));
    }

    [Fact]
    public void What_the_operating_system_says_of_a_full_disk_is_understood()
    {
        if (!File.Exists("/dev/full"))
        {
            Assert.Skip("This system has no /dev/full.");
        }

        var failure = Assert.Throws<UserMistakeException>(() => AtomicFile.WriteAllText("/dev/full", "text"));
        Assert.Contains("disk is full", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Leftovers_of_killed_processes_are_swept_and_other_files_stay()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder[$".{Guid.NewGuid():N}.partial"], "torn");
        File.WriteAllText(folder[".hidden"], "kept");
        File.WriteAllText(folder["file.partial"], "kept");
        AtomicFile.RemoveLeftovers(folder.Path);
        Assert.Equal([".hidden", "file.partial"], folder.Names);
    }
}
